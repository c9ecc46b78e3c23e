/// Where something is beside something else, as far as the centres of boxes tell, in VISOR's words.
enum SpatialPlace: String {
  case left = "to the left of"
  case right = "to the right of"
  case above, below

  private static let words: KeyValuePairs<SpatialPlace, [String]> = [
    .left: [
      "left of", "to the left of", "on the left of", "to the left side of", "on the left side of",
    ],
    .right: [
      "right of", "to the right of", "on the right of", "to the right side of",
      "on the right side of",
    ],
    .above: ["above", "over", "on top of", "on the top of", "atop"],
    .below: ["below", "under", "underneath", "beneath", "on the bottom of"],
  ]

  /// The place that words of a prompt say; `nil` for one that centres do not tell, as "behind".
  init?(_ words: String) {
    let plain = words.lowercased()
    guard let found = Self.words.first(where: { $0.value.contains(plain) }) else { return nil }
    self = found.key
  }

  /// Whether the centre `one` has this place beside `other`, in a picture whose y grows downwards.
  func holds(_ one: (x: Double, y: Double), _ other: (x: Double, y: Double)) -> Bool {
    switch self {
    case .left: one.x < other.x
    case .right: one.x > other.x
    case .above: one.y < other.y
    case .below: one.y > other.y
    }
  }
}
