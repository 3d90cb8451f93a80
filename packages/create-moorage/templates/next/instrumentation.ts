/** Next calls this once, when the server starts. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { registry } = await import('./lib/registry.ts');
    // Ends uploads that were left, and removes bytes that nothing names.
    setInterval(() => void registry().sweep().catch(console.error), 10 * 60_000).unref();
    process.once('SIGTERM', () => void registry().close().catch(console.error));
  }
}
