// Runs on a worker thread: milliseconds of work, and the event loop goes on meanwhile.

import { createHash } from 'node:crypto';

const ROUNDS = 200;

export default function checksum(body) {
  let digest = createHash('sha256').update(body).digest();
  for (let round = 0; round < ROUNDS; round++) {
    digest = createHash('sha256').update(digest).update(body).digest();
  }
  return digest.toString('hex');
}
