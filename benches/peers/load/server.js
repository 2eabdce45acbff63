// An Express server with and without the middleware `signed`: `node server.js <without|with>`.
//
// It prints its address, a link that works for an hour, and one that expired an hour ago.

const express = require("express");
const signed = require("signed").default;

const path = "/files/report.pdf";
const hour = 3600;

// It hashes, and does not MAC, whatever the algorithm; SHA-1 unless it is told.
const signature = signed({ secret: "\x07".repeat(32), hash: "sha256" });

const before = { without: [], with: [signature.verifier()] }[process.argv[2]];
const app = express();
app.get(path, ...before, (_, response) => response.send("ok"));
app.use((error, request, response, next) => response.sendStatus(error.status ?? 500));

const server = app.listen(0, "127.0.0.1", () => {
    const address = `127.0.0.1:${server.address().port}`;
    const now = Math.floor(Date.now() / 1000);
    const mint = (exp) => signature.sign(`http://${address}${path}`, { exp }).replace(`http://${address}`, "");
    console.log(`${address}\n${mint(now + hour)}\n${mint(now - hour)}`);
});
