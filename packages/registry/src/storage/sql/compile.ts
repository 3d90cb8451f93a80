import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import type { Schema } from './schema.ts';
import {
  type Builder,
  type CompiledStatement,
  type CompiledStatements,
  type Define,
  type Slots,
  type SqlValue,
  toStatement,
} from './statement.ts';
import { createPlans } from './store.ts';

/** Every statement of the store in SQLite's words. */
export function compileForSqlite(): CompiledStatements {
  const statements = new Map<string, CompiledStatement>();
  createPlans(compiling({ db: sqliteBuilder(), sql }, statements));
  return statements;
}

/** Builds queries; it is connected to nothing. */
function sqliteBuilder(): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Compiles what is defined, and keeps it in `statements`. */
function compiling(builder: Builder, statements: Map<string, CompiledStatement>): Define {
  const slots = new Proxy({}, { get: (_, name) => builder.sql.val(new Slot(String(name))) });
  return <Input, Row>(name: string, build: (p: Slots<Input>, builder: Builder) => Compilable<Row>) => {
    if (statements.has(name)) throw new TypeError(`There are two statements ${name}.`);
    const { sql: text, parameters } = build(slots as Slots<Input>, builder).compile();
    const compiled = {
      sql: text,
      parameters: parameters.map((parameter) =>
        parameter instanceof Slot ? { name: parameter.name } : { value: parameter as SqlValue },
      ),
    };
    statements.set(name, compiled);
    return toStatement<Input, Row>(compiled);
  };
}
