//! HTTP/2 in frames that are written by hand (RFC 9113, RFC 7541): a client's library would not send what an attacker
//! does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use httlib_hpack::Decoder;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The largest frame that every server takes.
const MAX_FRAME: usize = 1 << 14;

/// The fields of an answer, `:status` first.
pub type Fields = Vec<(String, String)>;

/// Sends one request of these fields, pseudo-fields among them; nothing if the server breaks the stream off.
pub fn exchange(server: SocketAddr, fields: &[(&[u8], &[u8])], body: Option<&[u8]>) -> Option<Fields> {
    exchange_whole(server, fields, body).map(|reply| reply.fields)
}

/// An answer to its end. Without a body the fields are its end: to gRPC they are its trailers then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub fields: Fields,
    pub body: Option<Vec<u8>>,
}

/// As [`exchange`], of the whole answer.
pub fn exchange_whole(server: SocketAddr, fields: &[(&[u8], &[u8])], body: Option<&[u8]>) -> Option<Reply> {
    let mut stream = send(server, fields, body);
    let mut answer = Reply { fields: Fields::new(), body: None };
    loop {
        let frame = read_frame(&mut stream)?;
        match (frame.kind, frame.stream) {
            (HEADERS, 1) => answer.fields.extend(read_header_block(frame.payload)),
            (DATA, 1) => answer.body.get_or_insert_default().extend(frame.payload),
            (RST_STREAM, 1) | (GOAWAY, _) => return None,
            _ => continue,
        }
        if frame.flags & END_STREAM != 0 {
            return Some(answer);
        }
    }
}

fn send(server: SocketAddr, fields: &[(&[u8], &[u8])], body: Option<&[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(server).unwrap();
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    write_frame(&mut request, SETTINGS, 0, 0, b"");
    let end = if body.is_some() { 0 } else { END_STREAM };
    let block = header_block(fields);
    let mut pieces = block.chunks(MAX_FRAME).peekable();
    let (mut kind, mut flags) = (HEADERS, end);
    while let Some(piece) = pieces.next() {
        flags |= if pieces.peek().is_none() { END_HEADERS } else { 0 };
        write_frame(&mut request, kind, flags, 1, piece);
        (kind, flags) = (CONTINUATION, 0);
    }
    if let Some(body) = body {
        write_frame(&mut request, DATA, END_STREAM, 1, body);
    }
    stream.write_all(&request).unwrap();
    stream
}

/// Literal fields that are never put into the table, without Huffman coding.
fn header_block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            write_length(&mut block, text.len());
            block.extend_from_slice(text);
        }
    }
    block
}

/// An integer with a prefix of seven bits.
fn write_length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

fn write_frame(out: &mut Vec<u8>, kind: u8, flags: u8, number: u32, payload: &[u8]) {
    assert!(payload.len() <= MAX_FRAME, "a frame of {} bytes", payload.len());
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(payload);
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn read_frame(stream: &mut TcpStream) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).ok()?;
    let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream: number, payload })
}

fn read_header_block(mut block: Vec<u8>) -> Fields {
    let mut fields = Vec::new();
    Decoder::default().decode(&mut block, &mut fields).expect("a header block");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    fields.into_iter().map(|(name, value, _)| (text(name), text(value))).collect()
}
