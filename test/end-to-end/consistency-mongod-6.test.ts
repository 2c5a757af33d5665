import { describeConsistency } from './consistency';

describeConsistency('6.0');
