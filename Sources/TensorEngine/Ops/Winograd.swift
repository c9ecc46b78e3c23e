private import CKernels

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

/// A 3×3 convolution by minimal filtering: fewer multiplications than the direct sum has.
///
/// With tiles of 4×4 outputs, 36 products do the work of 144; with 2×2, 16 that of 36. Pictures are
/// taken in bands of tile rows. Of each band, threads take a few output channels at a time: they
/// transform these channels' kernels, multiply, and transform back, all within the cache.
///
/// - Reference: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, arXiv 1509.09308;
///   the points are argued in `winograd_body.h`.
struct Winograd {
  private let shape: ck_winograd
  private let channels: Int
  private let outChannels: Int
  /// Tile rows taken at a time.
  private let bandRows: Int
  /// Output channels taken at a time.
  private let group: Int
  private let weight: Weight
  /// Whether this is the pullback: kernels are turned, and the weight's axes change their places.
  private let isPullback: Bool
  /// Whether each factor is packed once for all products that take it.
  private let isPacked = ck_packs_factors() != 0

  /// Tiles of one band, about: rows of a product's right factor that lie close together.
  private static let bandTiles = 64
  /// Transformed inputs of the bands that wait for a group's kernels, in floats.
  private static let waitingFloats = 6 << 20
  /// A group's transformed kernels, in floats.
  private static let groupFloats = 1 << 18
  /// Input channels that a thread transforms at a time.
  private static let block = 8
  /// Bands for which it pays to transform a group's kernels once more.
  private static let fewestBands = 2

  private var taps: Int { (shape.tile + 2) * (shape.tile + 2) }
  private var tileRows: Int { (shape.out_rows + shape.tile - 1) / shape.tile }

  /// Sets up a convolution of stride 1 over `rows` by `columns`; `nil` where the direct sum is as
  /// fast.
  ///
  /// - Parameter weight: `[out, in, 3, 3]`.
  init?(weight: Weight, rows: Int, columns: Int, padding: Padding) {
    self.init(weight, rows, columns, padding, isPullback: false)
  }

  /// Sets up the pullback of a convolution whose output has `rows` by `columns`: the convolution of
  /// that with the kernels turned, padded by what the forward padding leaves of 2.
  init?(pullbackOf weight: Weight, rows: Int, columns: Int, padding: Padding) {
    let rest = Padding(
      top: 2 - padding.top, left: 2 - padding.left, bottom: 2 - padding.bottom,
      right: 2 - padding.right)
    self.init(weight, rows, columns, rest, isPullback: true)
  }

  private init?(
    _ weight: Weight, _ rows: Int, _ columns: Int, _ padding: Padding, isPullback: Bool
  ) {
    guard weight.shape[2] == 3, weight.shape[3] == 3 else { return nil }
    self.weight = weight
    self.isPullback = isPullback
    channels = weight.shape[isPullback ? 0 : 1]
    outChannels = weight.shape[isPullback ? 1 : 0]
    let outRows = rows + padding.top + padding.bottom - 2
    let outColumns = columns + padding.left + padding.right - 2
    guard channels >= 32, outChannels >= 32, let tile = Self.tile(outRows, outColumns) else {
      return nil
    }
    let tileColumns = (outColumns + tile - 1) / tile
    shape = ck_winograd(
      rows: rows, columns: columns, out_rows: outRows, out_columns: outColumns, top: padding.top,
      left: padding.left, tile: tile, tile_columns: tileColumns)
    bandRows = max(1, Self.bandTiles / tileColumns)
    // Groups are multiples of the rows of a product that registers or tiles hold.
    let (lines, mostLines) = isPacked ? (32, CK_PANEL) : (6, CK_TILE)
    let most = Self.groupFloats / (channels * (tile + 2) * (tile + 2))
    group = max(lines, min(mostLines, most / lines * lines))
  }

  /// The tile's side for an output; larger tiles save more, if there are enough of them that
  /// transforming the kernels is the smaller part.
  private static func tile(_ rows: Int, _ columns: Int) -> Int? {
    let pixels = rows * columns
    return pixels >= 256 ? 4 : pixels >= 64 ? 2 : nil
  }

  /// Convolves `count` pictures `[channel, row, column]` that lie one after the other.
  func callAsFunction(
    _ source: UnsafePointer<Float>, _ count: Int, _ bias: Tensor?,
    into target: UnsafeMutablePointer<Float>
  ) {
    let bands = (0..<count).flatMap { picture in
      stride(from: 0, to: tileRows, by: bandRows).map {
        Band(picture: picture, rows: $0..<min($0 + bandRows, tileRows))
      }
    }
    // A group's kernels are transformed once for several bands.
    let together = max(2, Self.waitingFloats / (taps * channels * tiles(bands[0])))
    for first in stride(from: 0, to: bands.count, by: together) {
      let some = Array(bands[first..<min(first + together, bands.count)])
      let inputs = unsafe transform(source, some)
      let groups = (outChannels + group - 1) / group
      let slice = bandsInSlice(of: some.count, groups: groups)
      let slices = (some.count + slice - 1) / slice
      Parallel.forEach(groups * slices) { part in
        let (from, channel) = (part % slices * slice, part / slices * group)
        let out = channel..<min(channel + group, outChannels)
        let kernels = transformKernels(out)
        for index in from..<min(from + slice, some.count) {
          let products = multiply(kernels, inputs[index], some[index], out)
          unsafe finish(products, some[index], out, bias, into: target)
        }
      }
    }
  }

  /// Bands that one thread takes with the kernels that it has transformed.
  ///
  /// All of them, unless threads would be idle. No result depends on it.
  private func bandsInSlice(of bands: Int, groups: Int) -> Int {
    let slices = (Parallel.parts + groups - 1) / groups
    return max(min(bands, Self.fewestBands), (bands + slices - 1) / slices)
  }

  /// Tile rows of one picture.
  private struct Band {
    let picture: Int
    let rows: Range<Int>
  }

  private func tiles(_ band: Band) -> Int { band.rows.count * shape.tile_columns }

  /// A block of each tap, an odd number of cache lines long; see `ckernels.h`.
  private static func tapStride(_ count: Int) -> Int { ((count + 15) / 16 | 1) * 16 }

  /// Each band's inputs `[tap, in, tile]`, or each tap's packed.
  private func transform(_ source: UnsafePointer<Float>, _ bands: [Band]) -> [Storage] {
    let inputs = bands.map { Storage(count: taps * Self.tapStride(channels * tiles($0))) }
    let blocks = (channels + Self.block - 1) / Self.block
    Parallel.forEach(bands.count * blocks) { part in
      let (band, inputs) = (bands[part / blocks], inputs[part / blocks])
      let (tiles, first) = (tiles(band), part % blocks * Self.block)
      let picture = unsafe source + band.picture * channels * shape.rows * shape.columns
      var shape = shape
      for channel in first..<min(first + Self.block, channels) {
        unsafe ck_winograd_input(
          picture + channel * shape.rows * shape.columns, inputs.pointer + channel * tiles, &shape,
          band.rows.lowerBound, band.rows.upperBound, Self.tapStride(channels * tiles))
      }
    }
    guard isPacked else { return inputs }
    let packed = bands.map { Storage(count: taps * ck_packed_size(tiles($0), channels)) }
    Parallel.forEach(bands.count * taps) { part in
      let (band, tap) = (part / taps, part % taps)
      let tiles = tiles(bands[band])
      unsafe ck_pack_right(
        inputs[band].pointer + tap * Self.tapStride(channels * tiles), tiles, tiles, channels,
        packed[band].pointer + tap * ck_packed_size(tiles, channels))
    }
    return packed
  }

  /// Kernels of the output channels `out`: `[tap, out, in]`, or each tap's packed.
  private func transformKernels(_ out: Range<Int>) -> Storage {
    let tap = Self.tapStride(out.count * channels)
    let kernels = Storage(count: taps * tap)
    let tile = Int32(shape.tile)
    func transform(_ kernel: UnsafePointer<Float>, _ stride: Int, _ row: Int, _ from: Range<Int>) {
      unsafe ck_winograd_kernel(
        kernel, stride, kernels.pointer + row * channels + from.lowerBound, from.count, tile,
        isPullback ? 1 : 0, tap)
    }
    if isPullback {
      // Some rows of the weight at a time: their neighbouring kernels share cache lines.
      for first in stride(from: 0, to: channels, by: 64) {
        let from = first..<min(first + 64, channels)
        unsafe weight.withRows(from, out.lowerBound * 9..<out.upperBound * 9) { kernels, stride in
          for row in 0..<out.count { unsafe transform(kernels + 9 * row, stride, row, from) }
        }
      }
    } else {
      unsafe weight.withRows(out, 0..<channels * 9) { kernels, stride in
        for row in 0..<out.count { unsafe transform(kernels + row * stride, 9, row, 0..<channels) }
      }
    }
    guard isPacked else { return kernels }
    let size = ck_packed_size(out.count, channels)
    let packed = Storage(count: taps * size)
    for index in 0..<taps {
      unsafe ck_pack_left(
        kernels.pointer + index * tap, channels, out.count, channels,
        packed.pointer + index * size)
    }
    return packed
  }

  /// Products of the transformed numbers over input channels: `[tap, out, tile]`.
  private func multiply(
    _ kernels: Storage, _ inputs: Storage, _ band: Band, _ out: Range<Int>
  ) -> Storage {
    let tiles = tiles(band)
    let to = Self.tapStride(out.count * tiles)
    let products = Storage(count: taps * to)
    if isPacked {
      let (from, with) = (ck_packed_size(tiles, channels), ck_packed_size(out.count, channels))
      for tap in 0..<taps {
        unsafe ck_packed_product(
          kernels.pointer + tap * with, inputs.pointer + tap * from, products.pointer + tap * to,
          tiles, out.count, tiles, channels)
      }
      return products
    }
    let (from, with) = (Self.tapStride(channels * tiles), Self.tapStride(out.count * channels))
    for tap in 0..<taps {
      unsafe ck_product(
        kernels.pointer + tap * with, channels, 1, inputs.pointer + tap * from, tiles,
        products.pointer + tap * to, tiles, out.count, tiles, channels, 0)
    }
    return products
  }

  private func finish(
    _ products: Storage, _ band: Band, _ out: Range<Int>, _ bias: Tensor?,
    into target: UnsafeMutablePointer<Float>
  ) {
    let tiles = tiles(band)
    let tap = Self.tapStride(out.count * tiles)
    let picture = unsafe target + band.picture * outChannels * shape.out_rows * shape.out_columns
    var shape = shape
    for (row, channel) in out.enumerated() {
      unsafe ck_winograd_output(
        products.pointer + row * tiles, picture + channel * shape.out_rows * shape.out_columns,
        &shape, band.rows.lowerBound, band.rows.upperBound, tap,
        bias?.storage.pointer[channel] ?? 0)
    }
  }
}
