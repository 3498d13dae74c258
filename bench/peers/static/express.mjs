// express.static. The argument is the folder.
import express from 'express';
import { attend } from '../attend.mjs';

const app = express();
app.disable('x-powered-by');
app.use(express.static(process.argv[2]));
const server = app.listen(0, '127.0.0.1', () => attend(server.address().port));
