import type { Command } from 'commander';
import { addCopyCommand } from './copy.ts';
import { addInspectCommand } from './inspect.ts';
import { addLoginCommands } from './login.ts';
import { addPullCommand } from './pull.ts';
import { addPushCommand } from './push.ts';

/** `moorage push`, `pull`, `copy`, `inspect`, `login` and `logout`: what works with any registry. What they need is loaded when one of them runs. */
export function addClientCommands(program: Command): void {
  addPushCommand(program);
  addPullCommand(program);
  addCopyCommand(program);
  addInspectCommand(program);
  addLoginCommands(program);
}
