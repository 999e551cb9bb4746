/** The lecture in Korean, a part of the catalogue of korean.js: a text stands in one of the two. */

/** @type {Record<string, string>} */
export const lecture = {
  "Lecture": "강의",
  "Steps": "단계",
  "Contents": "차례",
  "Previous": "이전",
  "Next": "다음",
  "Convolutional networks, step by step": "합성곱 신경망, 한 걸음씩",
  "Right and left arrow: next and previous step. Home: this page. Escape: back to drawing.":
    "오른쪽, 왼쪽 화살표: 다음과 이전. Home: 이 페이지. Esc: 그리기로 돌아가기.",
  "Exercises with checked answers": "답을 확인하는 연습 문제",
  "Seed {seed}, exercise {number}": "시드 {seed}, {number}번 문제",
  "What a filter does": "필터가 하는 일",
  "At every place the filter multiplies the pixels in its window by its weights and adds the products. Choose a place of the map.":
    "필터는 자리마다 창 안의 픽셀에 가중치를 곱하고 그 곱을 모두 더합니다. 특성 맵에서 자리를 골라 보십시오.",
  "Another filter, another map": "필터가 다르면 특성 맵도 다릅니다",
  "The sum is largest where the image looks like the filter. The weights are the same at every place: nine of them make the whole map.":
    "이미지가 필터를 닮은 곳에서 합이 가장 큽니다. 가중치는 모든 자리에서 같습니다. 아홉 개가 특성 맵 전체를 만듭니다.",
  "image": "이미지",
  "an image of a seven, 9×9": "9×9 크기의 숫자 7 이미지",
  "filter": "필터",
  "map": "특성 맵",
  "vertical edge": "세로 경계",
  "horizontal edge": "가로 경계",
  "sum": "합",
  "row {row}, column {column}: {value}": "{row}행 {column}열: {value}",
  "Stride and padding": "스트라이드와 패딩",
  "The output’s size": "출력의 크기",
  "A filter F wide has N − F + 1 places along a side of N pixels: 7 − 3 + 1 = 5.":
    "너비 F인 필터가 놓일 자리는 N픽셀인 변에 N − F + 1개입니다: 7 − 3 + 1 = 5.",
  "Stride: the step from window to window": "스트라이드: 창에서 창까지의 걸음",
  "With stride 2 the window moves two pixels at a time: the map has about half the height and half the width.":
    "스트라이드가 2이면 창이 두 픽셀씩 움직입니다. 특성 맵의 높이와 너비가 절반쯤 됩니다.",
  "A stride that does not fit": "꼭 맞지 않는 스트라이드",
  "With stride 3 the last window would end beyond the image. The size is rounded down, and no window reads the red pixels.":
    "스트라이드가 3이면 마지막 창이 이미지 밖으로 나갑니다. 크기는 내림하고, 빨간 픽셀은 어느 창도 읽지 않습니다.",
  "Padding: zeros around the image": "패딩: 이미지를 두른 0",
  "With padding 1 the same stride fits. With stride 1, padding of (F − 1)/2 keeps the size.":
    "패딩이 1이면 같은 스트라이드가 꼭 맞습니다. 스트라이드가 1일 때 (F − 1)/2만큼의 패딩은 크기를 지킵니다.",
  "Output: {size}": "출력: {size}",
  "stride S": "스트라이드 S",
  "padding P": "패딩 P",
  "What pooling forgives": "풀링이 눈감아 주는 것",
  "Pooling: the largest of each window": "풀링: 창마다 가장 큰 값",
  "Max pooling keeps the largest value of each window of 2×2. It has no parameters, and the map has a quarter of the values.":
    "최대 풀링은 2×2 창마다 가장 큰 값을 남깁니다. 파라미터는 없고, 값의 개수는 4분의 1이 됩니다.",
  "Moved by one pixel": "한 픽셀 옮기면",
  "What stays in its window gives the same maximum. Only what crosses an edge between windows changes the pooled map.":
    "창 안에 머무른 값은 같은 최댓값을 냅니다. 창의 경계를 넘은 값만 풀링한 맵을 바꿉니다.",
  "Moved by two pixels": "두 픽셀 옮기면",
  "Now everything is in the next window: the pooled map has moved by one. Pooling forgives small moves, not large ones.":
    "이제 모두 다음 창에 있습니다. 풀링한 맵이 한 칸 옮겨졌습니다. 풀링은 작은 이동만 눈감아 줍니다.",
  "pooled": "풀링",
  "moved by {by}": "{by}만큼 옮김",
  "Changed: {map} of 64 values of the map, {pooled} of 16 after pooling": "바뀐 값: 맵은 64개 가운데 {map}개, 풀링한 뒤는 16개 가운데 {pooled}개",
  "64 values become 16": "값 64개가 16개로",
  "move to the right by": "오른쪽으로 옮기기",
  "The parameters of LeNet-5": "LeNet-5의 파라미터",
  "LeNet-5, C1: a convolution": "LeNet-5의 C1: 합성곱",
  "Six filters of 5×5 read the image. Each has 25 weights and a bias, however large the image is.":
    "5×5 필터 여섯 개가 이미지를 읽습니다. 이미지가 아무리 커도 필터마다 가중치는 25개, 편향은 1개입니다.",
  "LeNet-5, S2: subsampling": "LeNet-5의 S2: 서브샘플링",
  "Each map has one weight and one bias: the four values of a window are added, multiplied and shifted. Max pooling would have none.":
    "맵마다 가중치 1개와 편향 1개가 있습니다. 창의 네 값을 더해 가중치를 곱하고 편향을 더합니다. 최대 풀링이라면 하나도 없습니다.",
  "LeNet-5, C3: a convolution with a table": "LeNet-5의 C3: 표가 있는 합성곱",
  "Not every filter reads every map: a table has 60 links of 16 filters to 6 maps. All 96 links would take 2,416 parameters.":
    "모든 필터가 모든 맵을 읽지는 않습니다. 표에는 필터 16개와 맵 6개의 연결이 60개 있습니다. 96개를 다 이으면 파라미터가 2,416개입니다.",
  "LeNet-5, S4: subsampling again": "LeNet-5의 S4: 다시 서브샘플링",
  "Sixteen maps, with a weight and a bias each.": "맵 16개에 가중치와 편향이 하나씩 있습니다.",
  "LeNet-5, C5: most of the parameters": "LeNet-5의 C5: 파라미터의 대부분",
  "The filters are as large as the maps, 5×5: each gives one number. Four of five parameters of the network are here.":
    "필터가 맵과 같은 5×5 크기이므로 필터마다 값 하나가 나옵니다. 네트워크의 파라미터 다섯 가운데 넷이 여기에 있습니다.",
  "LeNet-5, F6: a linear layer": "LeNet-5의 F6: 완전연결층",
  "Each of 84 units has a weight for each of 120 values, and a bias. 84 is 7×12: a small picture of a character.":
    "유닛 84개마다 값 120개에 대한 가중치와 편향이 있습니다. 84는 7×12, 글자 하나의 작은 그림입니다.",
  "LeNet-5, the output: nothing is learned": "LeNet-5의 출력: 배우는 것이 없음",
  "Ten units compare F6 with ten drawn characters. Their 840 values are fixed, so they are no parameters. Altogether 60,000.":
    "유닛 10개가 F6을 그려 둔 글자 10개와 비교합니다. 그 값 840개는 고정되어 있어 파라미터가 아닙니다. 모두 60,000개입니다.",
  "formula": "식",
  "so far": "여기까지",
  "Why 1×1 filters": "1×1 필터는 왜 쓰는가",
  "A 1×1 filter mixes maps": "1×1 필터는 맵을 섞습니다",
  "It has one weight a map, and reads one place of all maps: what stands beside it does not matter. K filters make K new maps of C old ones.":
    "맵마다 가중치가 하나이고, 모든 맵의 같은 자리 하나를 읽습니다. 이웃은 보지 않습니다. 필터 K개가 맵 C개로 새 맵 K개를 만듭니다.",
  "new map": "새 맵",
  "map {map}": "맵 {map}",
  "A bottleneck: fewer maps for the costly filter": "병목: 비싼 필터에는 맵을 적게",
  "A 1×1 convolution makes 64 maps of 256, the 3×3 convolution reads those, and a 1×1 convolution makes 256 again.":
    "1×1 합성곱이 맵 256개를 64개로 줄이고, 3×3 합성곱이 그것을 읽고, 1×1 합성곱이 다시 256개로 늘립니다.",
  "{parameters} parameters · {macs} MACs on 14×14": "파라미터 {parameters} · 14×14에서 MAC {macs}",
  "{times} times fewer": "{times}분의 1",
  "Why residuals": "잔차 연결은 왜 쓰는가",
  "A residual adds what it reads": "잔차 블록은 입력을 더합니다",
  "y = F(x) + x. A block that has nothing to add learns F = 0, and a deeper network need not be worse. Without the shortcut it was, in the errors of the paper:":
    "y = F(x) + x. 더할 것이 없는 블록은 F = 0을 배우므로, 더 깊어도 나빠지지 않을 수 있습니다. 지름길이 없으면 나빠졌습니다. 논문의 오류율입니다:",
  "x goes through two convolutions, and around them; the two are added": "x가 합성곱 두 개를 지나고, 돌아서도 가며, 둘을 더합니다",
  "layers": "층의 수",
  "without shortcuts": "지름길 없이",
  "with shortcuts": "지름길로",
  "The way back": "돌아가는 길",
  "A toy: each of 50 layers has a slope f between −0.3 and 0.3. The gradient is their product; with a shortcut each factor is 1 + f.":
    "장난감 모형: 층 50개의 기울기 f가 각각 −0.3과 0.3 사이입니다. 그래디언트는 그 곱이고, 지름길이 있으면 각 인수가 1 + f입니다.",
  "The gradient layer by layer, with and without shortcuts": "층마다의 그래디언트, 지름길이 있을 때와 없을 때",
  "Initialisation and normalisation keep the slopes of real networks larger; the shortcut helps them, too.":
    "실제 네트워크는 초기화와 정규화가 기울기를 더 크게 지켜 주며, 지름길은 거기에도 도움이 됩니다.",
  "Your answer": "답",
  "Next exercise": "다음 문제",
  "Check": "확인",
  "Type three sizes, such as 16x14x14.": "크기 셋을 16x14x14처럼 적으십시오.",
  "Type a whole number, such as 1216.": "정수를 1216처럼 적으십시오.",
  "Right: {answer}": "맞습니다: {answer}",
  "It is {answer}.": "답은 {answer}입니다.",
  "Not yet. The formula, with the numbers put in:": "아직 아닙니다. 수를 넣은 식:",
  "{right} of {all} right": "{all}개 가운데 {right}개 맞음",
  "What is the shape of the last layer’s output?": "마지막 층의 출력의 모양은?",
  "What is the shape of the output?": "출력의 모양은?",
  "How many parameters does the network have?": "네트워크의 파라미터는 몇 개?",
  "How many parameters does the layer have?": "층의 파라미터는 몇 개?",
  "How many MACs does the network take for an image?": "네트워크가 이미지 하나에 쓰는 MAC은 몇 번?",
  "How many MACs does the layer take for an image?": "층이 이미지 하나에 쓰는 MAC은 몇 번?",
  "How many pixels of the input, along one side, does a unit of the last layer see?": "마지막 층의 유닛 하나가 보는 입력은 한 변에 몇 픽셀?",
  "{groups} groups": "그룹 {groups}개",
  "no bias": "편향 없음",
  "units·(values + 1)": "유닛·(값 + 1)",
  "units·values": "유닛·값",
  "field before + (F − 1)·product of the strides before": "앞의 수용영역 + (F − 1)·앞의 스트라이드의 곱",
  "size": "크기",
  "values": "값",
};
