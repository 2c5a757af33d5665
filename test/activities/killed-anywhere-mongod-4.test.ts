import { killedAnywhere } from './killed-anywhere';

killedAnywhere('4.4');
