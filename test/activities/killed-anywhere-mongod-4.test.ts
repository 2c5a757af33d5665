import { killedAnywhere } from './killed-anywhere';

// What is killed is the same on both; all 20 where there is time (HOLDFAST_FULL_SWEEP=1).
killedAnywhere('4.4', process.env['HOLDFAST_FULL_SWEEP'] === '1' ? 20 : 6);
