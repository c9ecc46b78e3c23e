package import AttentionAnalysis
internal import AttentionTrace
internal import Drawing
package import Pictures
internal import TensorEngine

/// A map over its picture as Attend-and-Excite's published figures have it, step by step.
///
/// Colours cannot be read back to values: each map is stretched from its least to its largest value,
/// added to the picture, and the sum divided by its own maximum. For comparison with those figures only.
///
/// - Reference: github.com/yuval-alaluf/Attend-and-Excite `utils/vis_utils.py`,
///   `show_image_relevance`.
package struct PublishedOverlay {
  /// Pixels for each cell: 256 for a map of 16×16.
  private static let enlargement = 16

  /// Whether the picture's red and blue change places, as they do in the published code, which adds a
  /// picture in RGB to colours in BGR.
  private let swapsRedAndBlue: Bool

  package init(swapsRedAndBlue: Bool) {
    self.swapsRedAndBlue = swapsRedAndBlue
  }

  /// The overlay, 16 pixels for each cell.
  package func image(_ map: AttentionMap, over picture: Picture) -> Picture {
    let fine = finite(map).enlarged(by: Self.enlargement, .bilinear)
    let photo = PillowResampling.resized(
      picture.pixels, from: (picture.width, picture.height),
      to: (fine.grid.columns, fine.grid.rows),
      by: .bicubic)
    let heat = Self.stretched(fine.values)
    let light = Self.stretched(photo.map { Float($0) / 255 })
    var sums = [Float](repeating: 0, count: light.count)
    for (pixel, value) in heat.enumerated() {
      let color = ColorMap.jet.colors[Int(255 * value)]
      for (channel, part) in [color.red, color.green, color.blue].enumerated() {
        let source = swapsRedAndBlue ? 2 - channel : channel
        sums[3 * pixel + channel] = Float(part) / 255 + light[3 * pixel + source]
      }
    }
    let largest = sums.max() ?? 0
    return Picture(
      width: fine.grid.columns, height: fine.grid.rows,
      pixels: sums.map { UInt8(largest > 0 ? 255 * ($0 / largest) : 0) })
  }

  /// The map with 0 where it has no value.
  private func finite(_ map: AttentionMap) -> AttentionMap {
    AttentionMap(grid: map.grid, values: map.values.map { $0.isFinite ? $0 : 0 })
  }

  /// Values from 0 to 1; all 0 where the published code would divide by zero.
  private static func stretched(_ values: [Float]) -> [Float] {
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 0)
    guard greatest > least else { return values.map { _ in 0 } }
    return values.map { ($0 - least) / (greatest - least) }
  }
}
