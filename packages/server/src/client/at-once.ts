/** How many blobs are moved at the same time. */
export const blobsAtOnce = 4;

/** Runs `act` on every item, `most` at a time, in their order. Rejects with the first failure, after which no other item is begun. */
export async function eachAtOnce<Item>(
  items: readonly Item[],
  most: number,
  act: (item: Item) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  let hasFailed = false;
  const work = async () => {
    for (const item of queue) {
      if (hasFailed) return;
      try {
        await act(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: most }, work));
}
