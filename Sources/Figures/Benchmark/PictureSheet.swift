package import Drawing
package import Pictures

/// Pictures of a benchmark without maps: a block for each prompt or method, in it rows of pictures.
package struct PictureSheet: Sendable {
  /// Pictures beside each other.
  package struct Row: Sendable {
    /// What stands left of them; empty for nothing.
    let label: String
    /// As many in each row of the sheet; `nil` where there is none.
    package let pictures: [Picture?]

    /// A row of pictures.
    package init(label: String = "", pictures: [Picture?]) {
      (self.label, self.pictures) = (label, pictures)
    }
  }

  /// Rows under one title; all blocks of a sheet have as many rows, with the same labels.
  package struct Block: Sendable {
    let title: String
    package let rows: [Row]

    /// Rows under a title.
    package init(title: String, rows: [Row]) { (self.title, self.rows) = (title, rows) }
  }

  /// The prompt that all pictures are of; empty where each block has its own.
  let prompt: String
  /// What stands above each column; empty for nothing.
  let columns: [String]
  package let blocks: [Block]
  /// What is shown, as a sentence for the caption.
  let shown: String
  /// How pictures were chosen, in sentences.
  let note: String
  let metadata: Scene.Metadata

  /// A sheet of blocks.
  package init(
    prompt: String = "", columns: [String] = [], blocks: [Block], shown: String, note: String,
    metadata: Scene.Metadata
  ) {
    (self.prompt, self.columns, self.blocks) = (prompt, columns, blocks)
    (self.shown, self.note, self.metadata) = (shown, note, metadata)
  }
}

extension PictureSheet {
  /// How many pictures a row has.
  var length: Int { blocks.first?.rows.first?.pictures.count ?? 0 }

  /// A picture's height of its width: that of the highest.
  var shape: Double {
    blocks.flatMap(\.rows).flatMap(\.pictures).compactMap { picture in
      picture.map { Double($0.height) / Double($0.width) }
    }.max() ?? 1
  }

  /// Whether any picture is missing.
  var isMissingAny: Bool { blocks.flatMap(\.rows).contains { $0.pictures.contains(nil) } }

  /// Of blocks whose rows have one picture each, a block with a row for each of them.
  var turned: PictureSheet {
    PictureSheet(
      prompt: prompt, columns: blocks.first?.rows.map(\.label) ?? [],
      blocks: [
        Block(
          title: columns.first ?? "",
          rows: blocks.map { Row(label: $0.title, pictures: $0.rows.flatMap(\.pictures)) })
      ], shown: shown, note: note, metadata: metadata)
  }
}
