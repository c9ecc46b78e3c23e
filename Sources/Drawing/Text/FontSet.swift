internal import CCairo
internal import Foundation
internal import TensorEngine

/// The fonts that figures are set in, and no others.
///
/// A configuration of our own, so that neither the user's fontconfig files nor the fonts that
/// happen to be installed change a figure; colour fonts, which a PDF could hold only as Type 3,
/// cannot be reached at all. Fonts that came with Heed stand for the system's of the same families,
/// whose version may be another.
///
/// Owns its font map from `init` to `deinit`, and hands out no pointer that outlives it.
@safe final class FontSet {
  /// The families asked for, in order of preference, each for what the ones before lack.
  let families: String
  package let map: UnsafeMutablePointer<PangoFontMap>

  /// Finds the fonts for words in `typeface`.
  /// - Throws: ``FigureError/missingFont(family:package:)`` without the first of them.
  package init(_ typeface: Typeface) throws {
    families = "\(typeface.family),DejaVu Sans,Noto Sans CJK SC,Noto Sans,Symbola"
    guard let config = unsafe FcConfigCreate() else {
      throw FigureError.drawing("fontconfig failed")
    }
    defer { unsafe FcConfigDestroy(config) }
    guard unsafe FcConfigParseAndLoadFromMemory(config, Self.configuration, FcTrue) == FcTrue,
      unsafe FcConfigBuildFonts(config) == FcTrue
    else { throw FigureError.drawing("fontconfig refused its configuration") }
    guard unsafe Self.has(typeface.family, config) else {
      throw FigureError.missingFont(family: typeface.family, package: "fonts-liberation2")
    }
    guard let map = unsafe pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT) else {
      throw FigureError.drawing("pango has no FreeType font map")
    }
    unsafe self.map = unsafe map
    unsafe pango_fc_font_map_set_config(OpaquePointer(map), config)
  }

  deinit { unsafe g_object_unref(map) }

  private static func has(_ family: String, _ config: OpaquePointer) -> Bool {
    guard let fonts = unsafe FcConfigGetFonts(config, FcSetSystem) else { return false }
    for index in unsafe 0..<Int(fonts.pointee.nfont) {
      var name: UnsafeMutablePointer<FcChar8>?
      if unsafe FcPatternGetString(fonts.pointee.fonts[index], FC_FAMILY, 0, &name)
        == FcResultMatch,
        let name = unsafe name, unsafe String(cString: name) == family
      {
        return true
      }
    }
    return false
  }

  /// Fontconfig's file: everything rejected but outline fonts of the named families.
  private static let configuration: String = {
    let accepted = [
      "Liberation Sans", "Liberation Serif", "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK TC",
      "Noto Sans CJK JP",
      "Noto Sans CJK KR", "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew",
      "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai",
      "Symbola",
    ]
    let patterns = accepted.map {
      "<pattern><patelt name=\"family\"><string>\($0)</string></patelt>"
        + "<patelt name=\"color\"><bool>false</bool></patelt></pattern>"
    }
    let system = ["/usr/share/fonts", "/usr/local/share/fonts"]
    let brought = ResourceFolder.figures.path + "/Fonts"
    let isBrought = FileManager.default.fileExists(atPath: brought)
    let folders = (isBrought ? [brought] : []) + system
    // By the names of their files: of two fonts of one family, fontconfig would take the newer.
    let replaced =
      isBrought
      ? system.flatMap { folder in ["Liberation", "DejaVu"].map { "\(folder)/*\($0)*" } } : []
    return """
      <?xml version="1.0"?>
      <!DOCTYPE fontconfig SYSTEM "fonts.dtd">
      <fontconfig>
      \(folders.map { "<dir>\(MarkupText.escaped($0))</dir>" }.joined())
      <cachedir>/var/cache/fontconfig</cachedir>
      <cachedir prefix="xdg">fontconfig</cachedir>
      <selectfont><acceptfont>\(patterns.joined())</acceptfont>
      <rejectfont>\(replaced.map { "<glob>\($0)</glob>" }.joined())<pattern/></rejectfont></selectfont>
      <match target="font">
      <edit name="hinting" mode="assign"><bool>false</bool></edit>
      <edit name="antialias" mode="assign"><bool>true</bool></edit>
      <edit name="embeddedbitmap" mode="assign"><bool>false</bool></edit>
      </match>
      </fontconfig>
      """
  }()
}
