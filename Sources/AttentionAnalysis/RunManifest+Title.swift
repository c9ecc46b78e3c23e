package import AttentionTrace

extension RunManifest.Method {
  /// What people are told plain Stable Diffusion is called.
  package static let plainTitle = "Stable Diffusion"

  /// What figures, tables and sentences call the method, where data have its name.
  ///
  /// As in `Attend-and-Excite`, and `Attend-and-Excite, scale-factor-5` where something of it is changed.
  package var figureTitle: String {
    guard let plus = name.firstIndex(of: "+") else { return familyTitle }
    return familyTitle + ", " + name[name.index(after: plus)...].replacing("+", with: ", ")
  }

  /// The same, whatever is changed of it; in runs of format 1, which do not say, its name but for the
  /// two methods of the paper.
  package var familyTitle: String {
    if let title { return title }
    return switch family {
    case NeglectComparison.plainMethod: Self.plainTitle
    case "attend-and-excite": "Attend-and-Excite"
    default: family
    }
  }
}
