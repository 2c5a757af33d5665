import { killedAnywhere } from './killed-anywhere';

killedAnywhere('6.0', 20);
