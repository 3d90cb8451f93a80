import { headers } from 'next/headers';
import { projectsOf } from '../lib/projects.ts';
import { registry } from '../lib/registry.ts';
import { invite, logOut, makeKey, makeProject } from './actions.ts';
import { Form } from './form.tsx';
import { currentUser } from './session.ts';

/** The user's projects, each with its tags. The registry decides on each as it does for docker. */
export default async function Projects() {
  const user = await currentUser();
  const host = (await headers()).get('host');
  const projects = await Promise.all(
    projectsOf(user).map(async (project) => ({ project, tags: await listTags(user, project) })),
  );
  return (
    <main>
      <h1>Projects of {user}</h1>
      {projects.map(({ project, tags }) => (
        <section key={project}>
          <h2>{project}</h2>
          <ul>
            {tags.map((tag) => (
              <li key={tag}>{`docker pull ${host}/${tag}`}</li>
            ))}
          </ul>
          <Form action={invite} label="Add a member">
            <input type="hidden" name="project" value={project} /> <input name="name" placeholder="name" />
          </Form>
        </section>
      ))}
      <h2>More</h2>
      <Form action={makeProject} label="Make a project">
        <input name="project" placeholder="name" />
      </Form>
      <Form action={makeKey} label="Make a new API key" />
      <form action={logOut}>
        <button type="submit">Log out</button>
      </form>
    </main>
  );
}

async function listTags(user: string, project: string): Promise<string[]> {
  const own = registry().as({ id: user });
  const { items: names } = await own.listRepositories({ namespace: project });
  const lists = names.map(async (name) => {
    const { items: tags } = await own.listTags(name);
    return tags.map(({ tag }) => `${name}:${tag}`);
  });
  return (await Promise.all(lists)).flat();
}
