import { HoldfastError } from '../../core/errors';

/** The HoldfastError that `work` ends with; anything else is thrown. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<HoldfastError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
