internal import TensorEngine

/// What a file of results says of one picture.
struct ImportedResult {
  /// How a file of results names a picture.
  enum Name {
    /// As the export's layout has it; the model where the file says it.
    case key(String, method: String?)
    /// By its path, or the end of it.
    case path(String)
    /// By its run.
    case run(id: String, method: String, seed: UInt64)

    /// For messages.
    var text: String {
      switch self {
      case .key(let key, let method): method.map { "\(key) of \($0)" } ?? key
      case .path(let path): path
      case .run(let id, let method, let seed): "\(id)/\(method)/seed-\(seed)"
      }
    }
  }

  /// A box that a detector found, in pixels of the picture.
  struct Box {
    let name: String
    /// Left, top, right and bottom.
    let corners: [Double]
    let score: Double
  }

  let name: Name
  /// Where it stands in the file.
  let node: JSONNode
  var values: [String: Double] = [:]
  /// A number for each question, where the layout asks several.
  var answers: [Double]?
  var caption: String?
  var boxes: [Box]?
}
