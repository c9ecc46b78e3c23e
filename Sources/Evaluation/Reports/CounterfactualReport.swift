internal import AttentionAnalysis

/// What an intervention changed, for people and programs.
package struct CounterfactualReport {
  private let effect: CounterfactualEffect

  package init(_ effect: CounterfactualEffect) { self.effect = effect }

  package func text(json: Bool) -> String {
    if json { return TableText.json(effect) }
    func number(_ value: Double?) -> String { TableText.number(value.map { Float($0) }) }
    let tables = [
      [
        ["mean absolute difference", "PSNR", "SSIM"],
        [
          number(effect.image.meanAbsoluteDifference), number(effect.image.peakSignalToNoise),
          number(effect.image.structuralSimilarity),
        ],
      ],
      [["subject", "score before", "score after", "maps share"]]
        + effect.subjects.map {
          [$0.subject, number($0.scoreBefore), number($0.scoreAfter), number($0.shared)]
        },
      [["subjects", "maps share before", "after"]]
        + effect.pairs.map {
          ["\($0.first), \($0.second)", number($0.sharedBefore), number($0.sharedAfter)]
        },
    ]
    let texts = tables.filter { $0.count > 1 }.enumerated().map { index, rows in
      AlignedColumns(rows, leftAligned: index == 0 ? [] : [0]).text
    }
    return (["\(effect.intervention): \(effect.run) → \(effect.changedRun)"] + texts).joined(
      separator: "\n\n")
  }
}
