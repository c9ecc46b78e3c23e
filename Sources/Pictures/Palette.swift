/// The few colours that stand for all colours of some pictures.
///
/// Pictures of no more colours keep each of them. Else a colour of every hundredth pixel or more is kept, as
/// paper and ink are, and the others are parted by their variance: the group that spreads most is cut at its
/// mean, across the channel in which it spreads most, until there are enough groups, each shown by its mean.
///
/// - Reference: S. J. Wan, P. Prusinkiewicz and S. K. M. Wong, "Variance-based color image quantization for
///   frame buffer display", Color Research and Application 15 (1990).
struct Palette {
  /// The colours, at most as many as were asked for.
  let colors: [ColorCount.Entry]
  /// The index of the nearest colour, by the codes of the colours that were counted.
  private let nearest: [Int: UInt8]

  /// The palette of counted colours.
  /// - Parameter limit: the most colours, 101…256.
  init(_ count: ColorCount, atMost limit: Int) {
    let counted = count.colors
    var kept = counted
    if counted.count > limit {
      let total = counted.reduce(0) { $0 + $1.pixels }
      kept = counted.filter { $0.pixels * 100 >= total }
      let common = Set(kept.map(\.color))
      let others = counted.filter { !common.contains($0.color) }
      kept += Self.groups(others, count: limit - kept.count).map { ($0.mean, $0.pixels) }
    }
    var colors: [ColorCount.Entry] = []
    var known: Set<ColorCount.Entry> = []
    for (color, _) in kept where known.insert(color).inserted { colors.append(color) }
    self.colors = colors
    var nearest: [Int: UInt8] = [:]
    let channels = colors.map { (Int32($0.red), Int32($0.green), Int32($0.blue)) }
    for (color, _) in counted {
      let (red, green, blue) = (Int32(color.red), Int32(color.green), Int32(color.blue))
      var (best, index) = (Int32.max, 0)
      for (place, other) in channels.enumerated() {
        let (x, y, z) = (red - other.0, green - other.1, blue - other.2)
        let distance = x * x + y * y + z * z
        if distance < best { (best, index) = (distance, place) }
      }
      nearest[color.code] = UInt8(index)
    }
    self.nearest = nearest
  }

  /// `[row, column]` the index of each pixel's colour; the picture must have been counted.
  func indices(of picture: Picture) -> [UInt8] {
    var (last, index) = (-1, UInt8(0))
    return (0..<picture.width * picture.height).map { pixel in
      let code = picture.code(at: pixel)
      if code != last { (last, index) = (code, nearest[code] ?? 0) }
      return index
    }
  }

  // MARK: - Groups

  /// Colours that one colour stands for.
  private struct Group {
    let members: ArraySlice<(color: ColorCount.Entry, pixels: Int)>
    let pixels: Int
    let mean: ColorCount.Entry
    /// The sum over pixels of the squared distance to the mean.
    let spread: Double
    private let channel: KeyPath<ColorCount.Entry, UInt8>
    private let threshold: Double

    init(_ members: ArraySlice<(color: ColorCount.Entry, pixels: Int)>) {
      let pixels = members.reduce(0) { $0 + $1.pixels }
      let channels: [KeyPath<ColorCount.Entry, UInt8>] = [\.red, \.green, \.blue]
      let means = channels.map { channel in
        Double(members.reduce(0) { $0 + Int($1.color[keyPath: channel]) * $1.pixels })
          / Double(pixels)
      }
      let spreads = zip(channels, means).map { channel, mean in
        members.reduce(0.0) {
          let distance = Double($1.color[keyPath: channel]) - mean
          return $0 + distance * distance * Double($1.pixels)
        }
      }
      let widest = spreads.indices.reduce(0) { spreads[$1] > spreads[$0] ? $1 : $0 }
      let rounded = means.map { Int($0.rounded()) }
      mean = ColorCount.Entry(code: rounded[0] << 16 | rounded[1] << 8 | rounded[2])
      spread = spreads.reduce(0, +)
      channel = channels[widest]
      threshold = means[widest]
      self.members = members
      self.pixels = pixels
    }

    /// What lies at most at the mean, and what lies above it.
    var halves: [Group] {
      let lower = members.filter { Double($0.color[keyPath: channel]) <= threshold }
      let upper = members.filter { Double($0.color[keyPath: channel]) > threshold }
      return [Group(lower[...]), Group(upper[...])]
    }
  }

  /// The colours in at most `count` groups.
  private static func groups(
    _ colors: [(color: ColorCount.Entry, pixels: Int)], count: Int
  ) -> [Group] {
    guard !colors.isEmpty, count > 0 else { return [] }
    var groups = [Group(colors[...])]
    while groups.count < count {
      let widest = groups.indices.reduce(0) { groups[$1].spread > groups[$0].spread ? $1 : $0 }
      guard groups[widest].spread > 0 else { break }
      groups.replaceSubrange(widest...widest, with: groups[widest].halves)
    }
    return groups
  }
}
