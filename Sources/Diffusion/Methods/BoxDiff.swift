package import AttentionTrace
package import PromptText
internal import TensorEngine

/// BoxDiff: each subject is attended to in its box, up to its edges, and nowhere else.
///
/// Xie, Li, Huang, Liu, Zhang, Zheng & Shou, BoxDiff, ICCV 2023, section 3.2:
///
/// | here | there |
/// | --- | --- |
/// | `mask` | M, the box in cells |
/// | `topShare` | P: the mean is that of the highest P of the cells |
/// | `inside` | L_IB = 1 − mean topk(A · M, P) |
/// | `outside` | L_OB = mean topk(A · (1 − M), P) |
/// | `edges` | L_CC: how far the largest numbers along each axis are from the box's, near its edges |
/// | `cornerWidth` | L, the cells on either side of an edge that count |
/// | `loss` | L = Σ_s L_IB + L_OB + L_CC |
///
/// A is B̃. Refinement descends on the worst subject's L_IB alone. The update after it follows L; in
/// the published code (``ObjectiveForm/code``) it follows Σ_s L_IB alone, since L_OB and L_CC are those
/// of the latent before refinement. From the formulas alone.
///
/// - Reference: github.com/showlab/BoxDiff `pipeline/sd_pipeline_boxdiff.py`.
public struct BoxDiff: BoxMethod {
  public let name = "box-diff"
  public let title = "BoxDiff"
  public let summary =
    "BoxDiff (Xie et al., ICCV 2023): each word's attention is in its box, and nowhere else."
  public var boxes: [WordBox] = []
  /// What the update after refinement follows.
  public var form = ObjectiveForm.paper
  /// P, in 0…1; one cell counts at least.
  public var topShare = 0.2
  /// L, in cells.
  public var cornerWidth = 1
  public var smoothing = MapSmoothing()
  public var schedule = GradientSchedule()

  /// The published knobs, without boxes, which every run needs.
  public init() {}

  public static let knobs: [Knob<BoxDiff>] =
    [
      .choice("objective-form", \.form, ObjectiveForm.help),
      .number(
        "top-share", \.topShare, in: 0...1, "Fraction of the cells that means are taken over."),
      .integer(
        "corner-width", \.cornerWidth, in: 0...1000,
        "Width in cells of the band along a box's edges."),
    ] + boxKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Loss(
      subjects: run.subjects, boxes: try layout(in: run), form: form, topShare: topShare,
      cornerWidth: cornerWidth, reading: run.reading(smoothing))
  }
}

extension BoxDiff {
  /// The loss of the table above.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// The boxes that the loss reads.
    package let boxes: [LayoutBox]
    /// What the update after refinement follows.
    package let form: ObjectiveForm
    /// P, in 0…1; one cell counts at least.
    package let topShare: Double
    /// L, in cells.
    package let cornerWidth: Int
    /// How maps are read.
    package let reading: MapReading

    /// The loss of attention outside `boxes`, with `subjects` measured.
    package init(
      subjects: [Subject], boxes: [LayoutBox], form: ObjectiveForm = .paper,
      topShare: Double = 0.2, cornerWidth: Int = 1, reading: MapReading
    ) {
      self.subjects = subjects
      self.boxes = boxes
      self.form = form
      self.topShare = topShare
      self.cornerWidth = cornerWidth
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, words cannot be read there, there is no box,
    ///   or one covers no cell.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try DiffusionError.require(
        !boxes.isEmpty, "the number of boxes", "0", "at least one, as in --box cat=0.1,0.2,0.5,0.9")
      try boxes.requireCells(at: reading.grid)
      return try reading.sites(
        among: sites, for: boxes.map(\.subject) + subjects, cellByCell: true)
    }

    /// The loss of one pass; see the table above.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      var (losses, inside): ([Tensor], [Tensor]) = ([], [])
      for box in boxes {
        let map = read.smoothed(box.subject)
        let mask = box.mask(at: reading.grid).reshaped(map.shape)
        inside.append(meanOfTop(map, in: mask).affine(scale: -1, offset: 1))
        losses.append(
          .total([
            inside[inside.count - 1].rectified,
            meanOfTop(map, in: mask.affine(scale: -1, offset: 1)),
            edges(map, mask, near: box.columns(of: reading.grid)),
            edges(map.transposed, mask.transposed, near: box.rows(of: reading.grid)),
          ]))
      }
      return ObjectiveValue(
        loss: .total(losses), scores: read.scores(of: subjects), refinement: .largest(inside),
        afterRefinement: form == .code ? .total(inside.map(\.rectified)) : nil)
    }

    /// The mean of the highest share of the cells that `mask` holds; 0 if it holds none.
    private func meanOfTop(_ map: Tensor, in mask: Tensor) -> Tensor {
      let held = mask.values.indices.filter { mask.values[$0] != 0 }
      guard !held.isEmpty else { return .scalar(0) }
      let values = map.values
      let count = max(1, Int(topShare * Double(held.count)))
      let top = held.sorted { (values[$0], $1) > (values[$1], $0) }.prefix(count)
      return map.sum(of: top, scale: 1 / Float(count))
    }

    /// The mean over columns of |max map − max mask| along each column that is near an edge.
    private func edges(_ map: Tensor, _ mask: Tensor, near box: Range<Int>) -> Tensor {
      let columns = map.shape[1]
      let counted = (0..<columns).filter { column in
        [box.lowerBound, box.upperBound].contains { abs(column - $0) <= cornerWidth }
      }
      let distances = counted.map { column in
        let along = map.sliced(axis: 1, column..<column + 1).maximum
        let wanted = mask.sliced(axis: 1, column..<column + 1).maximum.item
        return along.affine(scale: 1, offset: -wanted).magnitude
      }
      return Tensor.total(distances).affine(scale: 1 / Float(columns))
    }
  }
}

extension Tensor {
  /// `scale` times the sum of the numbers at some places in row-major order.
  func sum(of places: some Sequence<Int>, scale: Float = 1) -> Tensor {
    var weights = [Float](repeating: 0, count: count)
    for place in places { weights[place] = scale }
    return (self * Tensor(weights, shape: shape)).sum
  }
}
