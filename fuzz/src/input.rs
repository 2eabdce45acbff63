/// What a run is given. The first line is a request target, the second one, if there is one, the value of a `Cookie` field,
/// and the third one chooses everything else. Without a third line the other two choose, so that a request by itself is an
/// input.
pub struct Input<'d> {
    pub target: &'d str,
    pub cookie: &'d str,
    choices: u64,
}

impl<'d> Input<'d> {
    pub fn read(data: &'d [u8]) -> Option<Self> {
        let text = str::from_utf8(data).ok()?;
        let mut lines = text.splitn(3, '\n');
        let (target, cookie) = (lines.next()?, lines.next().unwrap_or_default());
        let choices = match lines.next() {
            Some(chosen) => chosen.bytes().take(8).fold(0, |choices, byte| choices << 8 | u64::from(byte)),
            None => data.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            }),
        };
        Some(Self { target, cookie, choices })
    }

    /// One of these. Each call uses up a part of the third line.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let among = from.len() as u64;
        let picked = self.choices % among;
        self.choices = (self.choices / among).rotate_right(7);
        from[picked as usize].clone()
    }
}
