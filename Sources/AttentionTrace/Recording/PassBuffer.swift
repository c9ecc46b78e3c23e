internal import CKernels

/// The selected maps of one pass as they will stand on disk, until the pass is acknowledged.
///
/// One thread at a time uses it; see ``ChunkBuffer``.
final class PassBuffer: @unchecked Sendable {
  private let sites: [RecordedSite]
  private let precision: RecordingPlan.Precision
  /// By site, then by row of the pass; kept from pass to pass.
  private var chunks: [[ChunkBuffer]]
  /// Which of them hold maps of this pass.
  private var filled: [Set<Int>]
  /// One head's selected tokens, before they are converted.
  private var gathered: [Float] = []

  init(sites: [RecordedSite], precision: RecordingPlan.Precision) {
    self.sites = sites
    self.precision = precision
    chunks = sites.map { _ in [] }
    filled = sites.map { _ in [] }
  }

  /// Forgets the last pass's maps, not their memory.
  func clear() { for index in filled.indices { filled[index] = [] } }

  /// The chunk of each site for `row`; `nil` where the site lent nothing.
  func chunks(row: Int) -> [ChunkBuffer?] {
    chunks.indices.map { filled[$0].contains(row) ? chunks[$0][row] : nil }
  }

  /// Copies what is selected of `values`, `[head, pixel, token]`, the maps of one branch.
  func fill(site index: Int, row: Int, from values: UnsafePointer<Float>) {
    let recorded = sites[index]
    while chunks[index].count <= row {
      chunks[index].append(ChunkBuffer(bytes: recorded.count * precision.bytes))
    }
    guard var target = chunks[index][row].bytes.baseAddress else { return }
    filled[index].insert(row)
    let (keys, pixels) = (recorded.site.keys, recorded.site.grid.pixels)
    if recorded.heads.count == recorded.site.heads && recorded.keys == keys {
      return convert(values, recorded.count, to: target)
    }
    for head in recorded.heads {
      let maps = values + head * pixels * keys
      if let tokens = recorded.tokens, tokens.count < keys {
        gather(tokens, of: maps, rows: pixels, keys: keys)
        gathered.withUnsafeBufferPointer { source in
          if let base = source.baseAddress { convert(base, pixels * tokens.count, to: target) }
        }
      } else {
        convert(maps, pixels * keys, to: target)
      }
      target += pixels * recorded.keys * precision.bytes
    }
  }

  /// Puts the chosen columns of `maps`, `[pixel, token]`, side by side.
  private func gather(_ tokens: [Int], of maps: UnsafePointer<Float>, rows: Int, keys: Int) {
    let count = rows * tokens.count
    if gathered.count < count { gathered = [Float](repeating: 0, count: count) }
    gathered.withUnsafeMutableBufferPointer { target in
      var place = 0
      for row in 0..<rows {
        for token in tokens {
          target[place] = maps[row * keys + token]
          place += 1
        }
      }
    }
  }

  private func convert(
    _ source: UnsafePointer<Float>, _ count: Int, to target: UnsafeMutableRawPointer
  ) {
    switch precision {
    case .float16:
      ck_float_to_half(source, target.assumingMemoryBound(to: UInt16.self), count)
    case .float32:
      target.copyMemory(from: source, byteCount: count * MemoryLayout<Float>.stride)
    }
  }
}
