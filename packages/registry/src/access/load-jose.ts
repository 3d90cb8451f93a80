type Jose = typeof import('jose');

let loading: Promise<Jose> | undefined;

/** jose, which is large and is loaded when the first key or token is needed: a registry that is open to everyone never needs one. */
export function loadJose(): Promise<Jose> {
  loading ??= import('jose');
  return loading;
}
