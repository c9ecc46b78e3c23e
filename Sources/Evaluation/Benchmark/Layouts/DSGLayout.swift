internal import TensorEngine

/// What DSG's helpers read: a table of questions, and pictures named after an item and a model.
enum DSGLayout {
  static func plan(_ pictures: SuitePictures, metadata: String) throws -> LayoutPlan {
    let document = try TextDocument(path: metadata)
    let table = try CSVTable(document, needed: ["item_id", "text"])
    let (item, text) = (try table.column("item_id"), try table.column("text"))
    var rows: [String: (id: String, rows: [CSVTable.Row])] = [:]
    for row in table.rows {
      let (id, prompt) = (row.fields[item], row.fields[text])
      if let other = rows[prompt]?.id, other != id {
        throw table.failure(
          row,
          "expected one item for each text, got \(FileError.quoted(id)) after "
            + FileError.quoted(other))
      }
      rows[prompt, default: (id, [])].rows.append(row)
    }
    var plan = LayoutPlan()
    var kept = [table.header]
    for (prompt, own) in pictures.prompts {
      guard let found = rows[prompt.prompt] else {
        throw FileError(
          .malformed, path: metadata,
          reason: "expected questions for each prompt, got none for \(prompt.id), "
            + FileError.quoted(prompt.prompt))
      }
      if let flaw = FolderName.flaw(in: found.id) {
        throw table.failure(
          found.rows[0],
          "expected an item that can be in a file's name, got \(FileError.quoted(found.id)), which \(flaw)"
        )
      }
      kept += found.rows.map(\.range)
      plan.pictures += own.map { picture in
        // Readers tell the form of a picture by its content: a PNG is read under this name too.
        LayoutPlan.PlacedPicture(
          picture: picture, place: ["images", "\(found.id)_\(picture.method).jpg"], key: found.id,
          questions: found.rows.count)
      }
    }
    let lines = kept.map { range in
      let text = document.text(range)
      return text.hasSuffix("\n") ? text : text + "\n"
    }
    plan.texts.append((["dsg-1k-anns.csv"], lines.joined()))
    return plan
  }
}
