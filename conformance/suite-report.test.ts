import { describe, expect, it } from 'vitest';
import { countFailed, findUntried, parseCounts, parseFailedTests } from './suite-report.ts';

const summary = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([status, count]) => `  ${status.padEnd(30, '.')}: ${String(count).padStart(10)}`)
    .join('\n');

const allPassed = { Disabled: 0, Skip: 0, Pass: 852, FAIL: 0, Error: 0, Total: 852 };

const resultsYaml = `config:
  apis:
    ping: true
  data:
    sparse: false
apis:
  Blob push: Pass
  Referrers: FAIL
  Tag listing: Unknown
data:
  Digest Algorithm sha512: Skip
  Sparse Manifests: Disabled
`;

describe('parseCounts', () => {
  it('reads every count', () => {
    expect(parseCounts(summary(allPassed))).toEqual({ Disabled: 0, Skip: 0, Pass: 852, FAIL: 0, Error: 0 });
  });

  it('throws when the suite ended before its summary', () => {
    expect(() => parseCounts('failed to load config: no such file')).toThrow('no count of Disabled');
  });
});

describe('countFailed', () => {
  it.each(['FAIL', 'Error', 'Skip', 'Disabled'])('counts %s as failed', (status) => {
    expect(countFailed(parseCounts(summary({ ...allPassed, [status]: 2 })))).toBe(2);
  });

  it('is 0 when all passed', () => {
    expect(countFailed(parseCounts(summary(allPassed)))).toBe(0);
  });
});

describe('findUntried', () => {
  it('names what the suite never tried, but not what it tried and counted', () => {
    expect(findUntried(resultsYaml, [])).toEqual(['Tag listing: Unknown', 'Sparse Manifests: Disabled']);
  });

  it('leaves out what a run disables on purpose', () => {
    expect(findUntried(resultsYaml, ['Sparse Manifests'])).toEqual(['Tag listing: Unknown']);
  });

  it('throws when the lists are missing', () => {
    expect(() => findUntried('config:\n  version: stable\n', [])).toThrow('no list');
  });
});

describe('parseFailedTests', () => {
  it('gives the failed test with its decoded message and exchange', () => {
    const junit = `<testsuite>
      <testcase name="suite/ping" classname="" time="0.1" status="passed">
        <system-err>GET /v2/</system-err>
      </testcase>
      <testcase name="suite/a &amp; b" classname="" time="0.1" status="failure">
        <system-out>expected &#34;200&#34;&#xA;received 404</system-out>
        <system-err>GET /v2/&lt;name&gt;</system-err>
      </testcase>
    </testsuite>`;
    expect(parseFailedTests(junit)).toEqual([
      { name: 'suite/a & b', message: 'expected "200"\nreceived 404', exchange: 'GET /v2/<name>' },
    ]);
  });
});
