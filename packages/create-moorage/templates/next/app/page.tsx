import { headers } from 'next/headers';

export default async function Home() {
  const host = (await headers()).get('host');
  return (
    <main>
      <h1>The application and its registry</h1>
      <pre>{`docker login ${host} --username alice\ndocker push ${host}/alice/app:1`}</pre>
    </main>
  );
}
