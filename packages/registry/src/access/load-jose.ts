type Jose = typeof import('jose');

/** Gives jose, which is large and is loaded when the first key or token is needed: a registry that is open to everyone never needs one. */
export function joseLoader(): () => Promise<Jose> {
  let loading: Promise<Jose> | undefined;
  return () => {
    loading ??= import('jose');
    return loading;
  };
}
