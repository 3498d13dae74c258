export { abortError } from '../errors/abort-error.js';
