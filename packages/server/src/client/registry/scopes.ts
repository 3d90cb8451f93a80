/** What reading a repository needs. */
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

/** What writing to a repository needs; clients ask for both rights together. */
export function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`;
}
