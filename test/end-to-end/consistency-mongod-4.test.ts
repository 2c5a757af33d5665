import { describeConsistency } from './consistency';

describeConsistency('4.4');
