import { describeSoundness } from '../support/completion/soundness.ts';

describeSoundness(560); // 5,040 places.
