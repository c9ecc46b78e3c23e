/// A choice of layers as a user writes it: a glob over site paths, or a grid such as `16x16`.
package struct LayerPattern: Sendable {
  /// As it was written.
  package let text: String

  /// Takes any text; a text that is not a pattern matches no layer.
  package init(_ text: String) { self.text = text }

  /// Whether the pattern keeps `site`; self-attention only if it says `attn1` or the whole path.
  package func matches(_ site: AttentionSite) -> Bool { matches(site, on: site.grid) }

  /// Whether the pattern chooses what is kept of a site; a grid is that of the maps.
  package func matches(_ recorded: RecordedSite) -> Bool {
    matches(recorded.site, on: recorded.grid)
  }

  private func matches(_ site: AttentionSite, on grid: Grid) -> Bool {
    if site.kind == .self && !text.contains("attn1") { return text == site.path }
    return text == grid.description
      || Self.glob(Array(text.utf8)[...], matches: Array(site.path.utf8)[...])
  }

  /// Matches `*` (any run of bytes) and `?` (any one byte), going back to the last `*` at most.
  private static func glob(_ pattern: ArraySlice<UInt8>, matches path: ArraySlice<UInt8>) -> Bool {
    var (next, place) = (pattern.startIndex, path.startIndex)
    var retry: (pattern: Int, path: Int)?
    while place < path.endIndex {
      if next < pattern.endIndex, pattern[next] == UInt8(ascii: "*") {
        retry = (next + 1, place)
        next += 1
      } else if next < pattern.endIndex,
        pattern[next] == UInt8(ascii: "?") || pattern[next] == path[place]
      {
        next += 1
        place += 1
      } else if let last = retry {
        retry = (last.pattern, last.path + 1)
        next = last.pattern
        place = last.path + 1
      } else {
        return false
      }
    }
    return pattern[next...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
