// The load client, in a process of its own: takes a Job as JSON, prints its Outcome as JSON.
import { randomBytes } from 'node:crypto';
import type { Job } from './job.ts';
import { runJob } from './work.ts';

const job: Job = JSON.parse(process.argv[2] ?? '{}');
console.log(JSON.stringify(await runJob(job, randomBytes(6).toString('hex'))));
