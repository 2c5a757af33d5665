import { refuseLateAttempt } from '../../activities/late-attempt';

describe('an attempt of a step', () => {
  const mine = { activityId: '5', activityType: 'stopAgents', attempt: 2 };
  const begin = (...pending: { activityId: string; attempt: number }[]) => {
    refuseLateAttempt(mine, pending);
  };

  test('begins when Temporal waits for it', () => {
    expect(() => begin({ activityId: '5', attempt: 2 })).not.toThrow();
  });

  test('does not begin when a newer attempt has: its worker was stopped meanwhile', () => {
    expect(() => begin({ activityId: '5', attempt: 3 })).toThrow(
      'attempt 2 of stopAgents was overtaken by attempt 3 and stopped',
    );
  });

  test('does not begin when its step, or the whole operation, is over', () => {
    const overtaken = 'attempt 2 of stopAgents was overtaken';
    expect(() => begin()).toThrow(overtaken);
    expect(() => begin({ activityId: '6', attempt: 2 })).toThrow(overtaken);
  });
});
