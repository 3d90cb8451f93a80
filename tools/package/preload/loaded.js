// Tells the parent process at the end which files were loaded, by `import` and by `require`.
import { registerHooks } from 'node:module';
import process from 'node:process';

const urls = [];

registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) urls.push(url);
    return nextLoad(url, context);
  },
});

process.once('beforeExit', () => process.send?.(urls));
