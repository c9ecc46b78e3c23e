extension KeyedDecodingContainer {
  /// A range of indices, written as its first index and the one after its last.
  /// - Throws: `DecodingError` for anything but two whole numbers, of which the first is 0 or more and not
  ///   above the second.
  package func indexRange(forKey key: Key) throws -> Range<Int> {
    let bounds = try decode([Int].self, forKey: key)
    guard bounds.count == 2, bounds[0] >= 0, bounds[0] <= bounds[1] else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self,
        debugDescription: "expected a first index and the one after the last, got \(bounds)")
    }
    return bounds[0]..<bounds[1]
  }

  /// The same where there is one.
  package func indexRangeIfPresent(forKey key: Key) throws -> Range<Int>? {
    guard contains(key), try !decodeNil(forKey: key) else { return nil }
    return try indexRange(forKey: key)
  }
}
