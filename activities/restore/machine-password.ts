import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { readJsonFile, writeFileDurably } from '../../config/durable-file';
import { Secret } from '../../core/secret';
import { connectMongo, type MongoTarget } from '../../mongo/connection';
import { isHoldfastError } from '../../core/errors';
import { upsertMachineUsers, type MachineUser } from '../../mongo/machine-users';
import { runFiles } from './run-files';

const changedSchema = z.object({
  v: z.literal(1),
  username: z.string(),
  /** Absent when nobody knows it: the user did not log in with it, and agent.conf was gone. */
  password: z.string().optional(),
});

/** Whether mongod accepts these credentials. @throws whatever else stands in the way */
export async function canLogIn(target: MongoTarget, signal: AbortSignal): Promise<boolean> {
  try {
    const client = await connectMongo(target, {
      appName: 'holdfast-login',
      direct: false,
      signal,
    });
    await client.close();
    return true;
  } catch (error) {
    if (isHoldfastError(error, 'HF-MONGO-002')) return false;
    throw error;
  }
}

/** Gives the machine's user the password of the archive; what it was before is written down first (0600). */
export async function changeMachinePassword(
  directory: string,
  admin: MongoClient,
  user: MachineUser,
  before: Secret | undefined,
): Promise<void> {
  const path = runFiles.users(directory);
  if ((await readJsonFile(path)) === undefined) {
    const changed: z.input<typeof changedSchema> = {
      v: 1,
      username: user.username,
      ...(before === undefined ? {} : { password: before.reveal() }),
    };
    await writeFileDurably(path, JSON.stringify(changed));
  }
  await upsertMachineUsers(admin, [user]);
}

/** The way back: the password from before, when it is known. */
export async function undoMachinePassword(directory: string, admin: MongoClient): Promise<void> {
  const value = await readJsonFile(runFiles.users(directory));
  if (value === undefined) return;
  const { username, password } = changedSchema.parse(value);
  if (password === undefined) return;
  await upsertMachineUsers(admin, [{ username, password: new Secret(password) }]);
}
