/** The rooms of packages/registry/src and what each may import (docs/architecture.md): one rule a room. */
const src = '^packages/registry/src';
const tests = '\\.test\\.ts$';
const drivers = `${src}/storage/(filesystem|sqlite|sql|memory)`;

const mayImport = {
  oci: [],
  storage: ['oci'],
  access: ['storage', 'oci'],
  upkeep: ['storage', 'oci'],
  registry: ['access', 'storage', 'oci'],
  http: ['registry', 'access', 'storage', 'oci'],
  adapters: ['http'],
};

const rooms = Object.entries(mayImport).map(([room, others]) => ({
  name: `room-${room}`,
  comment: `${room}/ may import ${others.join(', ') || 'nothing'} of the library`,
  severity: 'error',
  from: { path: `${src}/${room}/`, pathNot: tests },
  to: { path: `${src}/`, pathNot: [room, ...others].map((allowed) => `${src}/${allowed}/`) },
}));

module.exports = {
  forbidden: [
    ...rooms,
    {
      name: 'drivers',
      comment: 'only testing/ and the public subpaths name a driver; everything else knows the interfaces',
      severity: 'error',
      from: { path: `${src}/`, pathNot: [drivers, `${src}/testing/`, tests] },
      to: { path: drivers },
    },
    {
      name: 'library-packages',
      comment: 'the library has three dependencies and no more',
      severity: 'error',
      from: { path: `${src}/`, pathNot: tests },
      to: { dependencyTypesNot: ['local', 'core', 'type-only'], pathNot: 'node_modules/(kysely|jose|lru-cache)/' },
    },
    {
      name: 'public-face',
      comment: 'the server uses the library as anyone would, through its package',
      severity: 'error',
      from: { path: '^packages/server/' },
      to: {
        path: '^packages/registry/',
        dependencyTypesNot: ['npm', 'aliased-workspace', 'localmodule'],
        pathNot: `${src}/(index|storage/sqlite/sqlite|storage/filesystem/filesystem|storage/memory|adapters/node|adapters/fetch|testing/testing)\\.ts$`,
      },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    enhancedResolveOptions: {
      conditionNames: ['moorage-source', 'types', 'node', 'import', 'default'],
      exportsFields: ['exports'],
    },
  },
};
