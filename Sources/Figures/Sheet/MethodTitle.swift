internal import AttentionAnalysis
internal import AttentionTrace

extension RunManifest.Method {
  /// What figures call plain Stable Diffusion.
  static let plainTitle = "Stable Diffusion"

  /// What figures call the method: `Attend-and-Excite`, and `Attend-and-Excite, scale-factor-5` where
  /// something of it is changed.
  var figureTitle: String {
    guard let plus = name.firstIndex(of: "+") else { return familyTitle }
    return familyTitle + ", " + name[name.index(after: plus)...]
  }

  /// What figures call the method, whatever is changed of it; in runs of format 1, which do not say, its
  /// name but for the two methods of the paper.
  var familyTitle: String {
    if let title { return title }
    return switch family {
    case NeglectComparison.plainMethod: Self.plainTitle
    case "attend-and-excite": "Attend-and-Excite"
    default: family
    }
  }
}
