import { readdirSync, readFileSync } from 'node:fs';

/** What a process tree has used: CPU seconds since its start (ended children included), memory now and at its peak, in MiB. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly residentMib: number;
  /** The sum of each process's own peak: an upper bound for a tree, exact for one process. */
  readonly peakMib: number;
}

// The kernel shows times in USER_HZ, which is 100 on every architecture that Node runs on.
const ticksPerSecond = 100;

/** Reads /proc for `pid` and all that descend from it. Undefined where there is no /proc or no such process. */
export function readUsage(pid: number): Usage | undefined {
  if (readStat(pid) === undefined) return undefined;
  const tree = processTree(pid);
  const sum = (value: (member: number) => number) => tree.reduce((total, member) => total + value(member), 0);
  return {
    cpuSeconds: sum((member) => cpuTicks(readStat(member))) / ticksPerSecond,
    residentMib: sum((member) => statusKib(member, 'VmRSS')) / 1024,
    peakMib: sum((member) => statusKib(member, 'VmHWM')) / 1024,
  };
}

/** CPU seconds of all children of this process that have ended; 0 where there is no /proc. */
export function reapedChildrenCpuSeconds(): number {
  const stat = readStat(process.pid);
  return stat ? (stat.childUserTicks + stat.childSystemTicks) / ticksPerSecond : 0;
}

interface Stat {
  readonly parent: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly childUserTicks: number;
  readonly childSystemTicks: number;
}

function cpuTicks(stat: Stat | undefined): number {
  return stat ? stat.userTicks + stat.systemTicks + stat.childUserTicks + stat.childSystemTicks : 0;
}

function readStat(pid: number): Stat | undefined {
  const text = readProc(`${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the name in parentheses and may hold spaces: the numbers begin after the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    parent: field(4),
    userTicks: field(14),
    systemTicks: field(15),
    childUserTicks: field(16),
    childSystemTicks: field(17),
  };
}

function processTree(root: number): number[] {
  const parents = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .map((pid) => ({ pid, parent: readStat(pid)?.parent }));
  const childrenOf = (pid: number): number[] => [
    pid,
    ...parents.filter(({ parent }) => parent === pid).flatMap((child) => childrenOf(child.pid)),
  ];
  return childrenOf(root);
}

function statusKib(pid: number, key: string): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+)`, 'm').exec(readProc(`${pid}/status`) ?? '')?.[1] ?? 0);
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    // The process ended meanwhile, or this is no Linux.
    return undefined;
  }
}
