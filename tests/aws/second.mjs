// A second opinion on S3 (s3rver, which verifies Signature Version 4) and SQS (fauxqs, which does not look at
// signatures). usage: node second.mjs FOLDER. Prints their two ports; ends when its standard input is closed.
import { createRequire } from "node:module";

const require = createRequire(process.env.DOMICILE_AWS_NODE + "/");
const S3rver = require("@20minutes/s3rver");
const { startFauxqs } = await import(`${process.env.DOMICILE_AWS_NODE}/node_modules/fauxqs/dist/app.js`);

// Its only account is S3RVER / S3RVER.
const s3 = await new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory: process.argv[2],
                              configureBuckets: [{ name: "store", configs: [] }] }).run();
const sqs = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false });
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
console.log(`${s3.port} ${sqs.port}`);
