// The floor: the load's own far end, as a server. It reads as node:net does, and sends blocks of the size that the
// programs of JavaScript send.
import { compiled, missingCompiler } from '../../measure/compiled.mjs';
import { Dialogue } from '../../measure/dialogue.mjs';
import { cores } from '../../measure/machine.mjs';

const LIMIT_MS = 5_000;

/** Why it cannot be measured, or null. */
export const missing = missingCompiler;

/** Starts it: { name, pids, port, stop() }. */
export async function startFloor(name) {
  const program = new Dialogue(cores.server, compiled('tcp-traffic', 'PIECE=65536'), []);
  try {
    const port = Number(await program.hear('listening', LIMIT_MS));
    return { name, pids: [program.pid], port, stop: () => program.stop() };
  } catch (error) {
    await program.stop();
    throw error;
  }
}
