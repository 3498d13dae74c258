import { testAttacks } from '../support/attacks.js';

// These press, so few run at a time.
testAttacks(['resets', 'floods', 'storms', 'bursts'], 2);
