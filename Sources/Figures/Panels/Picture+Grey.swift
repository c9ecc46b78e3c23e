internal import Pictures

extension Picture {
  /// The picture in grey, stretched over the middle of the range so that shapes stand out.
  ///
  /// Each pixel's grey comes from its luma by Rec. 709.
  var grey: Picture {
    let lumas = stride(from: 0, to: pixels.count, by: 3).map { index in
      0.2126 * Double(pixels[index]) + 0.7152 * Double(pixels[index + 1])
        + 0.0722 * Double(pixels[index + 2])
    }
    let (least, greatest) = (lumas.min() ?? 0, lumas.max() ?? 0)
    var samples: [UInt8] = []
    samples.reserveCapacity(pixels.count)
    for luma in lumas {
      let fraction = greatest > least ? (luma - least) / (greatest - least) : 0.5
      let grey = UInt8((60 + 140 * fraction).rounded())
      samples.append(grey)
      samples.append(grey)
      samples.append(grey)
    }
    return Picture(width: width, height: height, pixels: samples)
  }
}
