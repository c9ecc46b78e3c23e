internal import TensorEngine

/// The form of a file of results: one of the tools', or a table with a row for each picture.
enum ResultsForm {
  case attendAndExciteCLIP
  case attendAndExciteBLIP
  case t2iCompBench
  case genEval
  case genEval2
  case tifa
  case dsg
  case visor
  /// CSV, or objects of JSON.
  case table

  /// The layout whose tools write it; `nil` for a table.
  var layout: PictureLayout? {
    switch self {
    case .attendAndExciteCLIP, .attendAndExciteBLIP: .attendAndExcite
    case .t2iCompBench: .t2iCompBench
    case .genEval: .genEval
    case .genEval2: .genEval2
    case .tifa: .tifa
    case .dsg: .dsg
    case .visor: .visor
    case .table: nil
    }
  }

  /// The form that the content of a document tells; of what is none of them, the nearest.
  init(_ document: TextDocument) {
    switch document.firstByte(document.bytes.indices) {
    case UInt8(ascii: "["): self = Self.ofList(document)
    case UInt8(ascii: "{"): self = Self.ofObjects(document)
    default:
      let first = document.lines.first { document.firstByte($0.range) != nil }
      let columns = first.map { document.text($0.range).split(separator: ",") } ?? []
      self = ["item_id", "question_id", "answer"].allSatisfy(columns.contains) ? .dsg : .table
    }
  }

  private static func ofList(_ document: TextDocument) -> ResultsForm {
    switch try? document.root().elements().first?.value {
    case .array, .number, .integer: .genEval2
    case .object(let members): members["question_id"] == nil ? .table : .t2iCompBench
    // A list without elements, or no list after all, is refused when it is read.
    default: .t2iCompBench
    }
  }

  private static func ofObjects(_ document: TextDocument) -> ResultsForm {
    if let root = try? document.root().object() {
      if root["question_details"] != nil || root["caption_scores"] != nil { return .tifa }
      if case .object(let first)? = root.values.first {
        if first["text_similarities"] != nil || first["captions"] != nil {
          return .attendAndExciteBLIP
        }
        if first["full_text"] != nil || first["image_names"] != nil { return .attendAndExciteCLIP }
        if first["recall"] != nil || first["sra"] != nil { return .visor }
      }
      return root["filename"] != nil && root["correct"] != nil ? .genEval : .table
    }
    let first = document.lines.first { document.firstByte($0.range) != nil }
    guard let first, case .object(let members)? = try? document.json(first.range) else {
      return .table
    }
    return members["filename"] != nil && members["correct"] != nil ? .genEval : .table
  }
}
