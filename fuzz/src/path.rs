/// Where servers, proxies and file systems may take a path to lead, each in its own way: decoded once or twice, with path
/// parameters and without, with `\` for `/`, with empty segments merged.
pub fn where_it_leads(path: &str) -> impl Iterator<Item = String> {
    let readings = (0..2_u8).flat_map(|decoded| [false, true].map(|parameters| (decoded, parameters)));
    readings.map(move |(decoded, parameters)| {
        let mut text = path.as_bytes().to_vec();
        for _ in 0..=decoded {
            text = decode(&text);
        }
        let text = String::from_utf8_lossy(&text).replace('\\', "/");
        let mut segments: Vec<&str> = Vec::new();
        for segment in text.split('/') {
            let segment = if parameters { segment } else { segment.split(';').next().unwrap_or_default() };
            match segment.trim_matches(|c: char| c.is_ascii_control() || c == ' ') {
                "" | "." => {}
                ".." => drop(segments.pop()),
                segment => segments.push(segment),
            }
        }
        segments.iter().fold("/".to_owned(), |path, segment| path + segment + "/")
    })
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        match escape.filter(|_| *byte == b'%') {
            Some(escaped) => {
                decoded.push(escaped);
                rest = &after[2..];
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    decoded
}
