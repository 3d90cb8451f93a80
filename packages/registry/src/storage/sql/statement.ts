import type { Compilable, Expression, Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

/** What a database takes as a parameter. */
export type SqlValue = string | number | bigint | null | Uint8Array;

/** A statement that was built once; its parameters are bound by name at each use. */
export interface Statement<Input, Row> {
  readonly sql: string;
  bind(input: Input): readonly SqlValue[];
  /** Carries the type of a row; there is no such member at run time. */
  readonly row?: Row;
}

/** The parameters of a statement while it is built: `p.name` stands where the value of `name` will. */
export type Slots<Input> = { readonly [Name in keyof Input]-?: Expression<Input[Name]> };

/** What statements are built with, for one kind of database. */
export interface Builder {
  readonly db: Kysely<Schema>;
  readonly sql: typeof sql;
}

/** Defines a statement under a name of its own. `build` is called where kysely is at hand; elsewhere the compiled text is looked up. */
export type Define = <Input, Row>(
  name: string,
  build: (p: Slots<Input>, builder: Builder) => Compilable<Row>,
) => Statement<Input, Row>;

/** A statement as text: plain data, which the writer thread is handed instead of loading kysely a second time. */
export interface CompiledStatement {
  readonly sql: string;
  /** Names of the parameters, or values that stand in the statement itself. */
  readonly parameters: readonly ({ readonly name: string } | { readonly value: SqlValue })[];
}

/** Every statement by its name. */
export type CompiledStatements = ReadonlyMap<string, CompiledStatement>;

/** Statements that were compiled before. */
export function definedBy(statements: CompiledStatements): Define {
  return (name) => {
    const compiled = statements.get(name);
    if (compiled === undefined) throw new TypeError(`There is no statement ${name}.`);
    return toStatement(compiled);
  };
}

/** A compiled statement, ready for use. */
export function toStatement<Input, Row>({ sql, parameters }: CompiledStatement): Statement<Input, Row> {
  return {
    sql,
    bind: (input) =>
      parameters.map((parameter) =>
        'name' in parameter
          ? parameterOf(input as Record<string, SqlValue | undefined>, parameter.name)
          : parameter.value,
      ),
  };
}

function parameterOf(input: Readonly<Record<string, SqlValue | undefined>>, name: string): SqlValue {
  const value = input[name];
  if (value === undefined) throw new TypeError(`The parameter ${name} of a statement has no value.`);
  return value;
}

/** One round trip to the database. */
export interface Step {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** Steps and what comes of them. A driver runs it to its end inside one transaction: at once (SQLite), or awaiting each step. */
export type Plan<Result> = Generator<Step, Result, readonly unknown[]>;

/** Runs a statement for all its rows. */
export function* all<Input, Row>(query: Statement<Input, Row>, input: Input): Plan<readonly Row[]> {
  return (yield { sql: query.sql, parameters: query.bind(input) }) as readonly Row[];
}

/** Runs a statement for its first row. */
export function* first<Input, Row>(query: Statement<Input, Row>, input: Input): Plan<Row | undefined> {
  return (yield* all(query, input))[0];
}
