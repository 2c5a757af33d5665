import { readFile } from 'node:fs/promises';

/** @typedef {{passed: number, failed: number, skipped: number}} Count */

/** @param {Partial<Count>} [but] @returns {Count} */
export function noTests(but = {}) {
  return { passed: 0, failed: 0, skipped: 0, ...but };
}

/** @param {Count} count @returns {string} the last line of `npm test` */
export function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * Counts from Jest's report. A suite that failed without a failed test in it (it could not be loaded,
 * has no tests, failed in a hook) counts as one failure; pending and todo tests as skipped.
 *
 * @param {string} file path of the report that `jest --json --outputFile` wrote
 * @returns {Promise<Count>} all zero when Jest did not come to write it
 */
export async function countTests(file) {
  let report;
  try {
    report = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return noTests();
  }
  const silent = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + silent.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
