package demo

import (
	"strconv"
	"strings"
)

// glyphs is a piece of a name with its reading in pinyin, without tones.
type glyphs struct{ han, pinyin string }

// A surname's weight is roughly its bearers per 1,000 people.
type surname struct {
	glyphs
	weight int
}

var surnames = parseSurnames(`
	王 wang 72, 李 li 70, 张 zhang 67, 刘 liu 53, 陈 chen 45, 杨 yang 30, 黄 huang 22, 赵 zhao 21,
	周 zhou 20, 吴 wu 20, 徐 xu 15, 孙 sun 14, 朱 zhu 13, 马 ma 13, 胡 hu 12, 郭 guo 12, 林 lin 11,
	何 he 11, 高 gao 10, 梁 liang 9, 郑 zheng 9, 罗 luo 9, 宋 song 8, 谢 xie 8, 唐 tang 7, 韩 han 7,
	曹 cao 7, 许 xu 7, 邓 deng 7, 萧 xiao 6, 冯 feng 6, 曾 zeng 6, 程 cheng 5, 蔡 cai 5, 彭 peng 5,
	潘 pan 5, 袁 yuan 5, 于 yu 5, 董 dong 5, 余 yu 5, 苏 su 5, 叶 ye 5, 吕 lü 5, 魏 wei 4, 蒋 jiang 4,
	田 tian 4, 杜 du 4, 丁 ding 4, 沈 shen 4, 姜 jiang 4, 范 fan 4, 江 jiang 3, 傅 fu 3, 钟 zhong 3,
	卢 lu 3, 汪 wang 3, 戴 dai 3, 崔 cui 3, 任 ren 3, 陆 lu 3, 廖 liao 3, 姚 yao 3, 方 fang 3,
	欧阳 ouyang 3, 诸葛 zhuge 2, 上官 shangguan 2, 司马 sima 2`)

var (
	maleGiven = parseGlyphs(`伟 wei 强 qiang 磊 lei 军 jun 勇 yong 杰 jie 涛 tao 明 ming 超 chao 鹏 peng
		浩 hao 宇 yu 轩 xuan 博 bo 文 wen 斌 bin 辉 hui 刚 gang 峰 feng 建 jian 国 guo 志 zhi 海 hai 龙 long
		飞 fei 俊 jun 凯 kai 晨 chen 子 zi 泽 ze 一 yi 家 jia 豪 hao 天 tian 佳 jia 思 si 永 yong 平 ping
		东 dong 林 lin 晓 xiao 新 xin 成 cheng 康 kang 清 qing 波 bo 宁 ning 民 min`)
	femaleGiven = parseGlyphs(`芳 fang 娜 na 敏 min 静 jing 丽 li 艳 yan 娟 juan 霞 xia 玲 ling 婷 ting
		雪 xue 慧 hui 莹 ying 倩 qian 怡 yi 琳 lin 欣 xin 颖 ying 洁 jie 梅 mei 兰 lan 红 hong 玉 yu 萍 ping
		燕 yan 云 yun 梦 meng 雨 yu 佳 jia 思 si 诗 shi 涵 han 子 zi 悦 yue 晓 xiao 文 wen 秀 xiu 英 ying
		华 hua 春 chun 小 xiao 月 yue 美 mei 凤 feng 淑 shu 桂 gui 珍 zhen 晴 qing`)
	// rareGiven lie outside the Basic Multilingual Plane: four bytes in UTF-8, two escapes in JSON.
	rareGiven = []glyphs{{"𠮷", "ji"}, {"𫖯", "fu"}, {"𬭎", "hong"}, {"𬱖", "di"}, {"𬀩", "wei"}}
)

// person is a name with its reading.
type person struct{ family, given glyphs }

func (p person) name() string { return p.family.han + p.given.han }

// newPerson returns a name; rare puts a character outside the Basic Multilingual Plane into it.
func newPerson(d dice, male, rare bool) person {
	given := femaleGiven
	if male {
		given = maleGiven
	}
	p := person{family: pickSurname(d), given: pick(d, given)}
	switch {
	case rare:
		g := pick(d, rareGiven)
		p.given = glyphs{p.given.han + g.han, p.given.pinyin + g.pinyin}
	case !d.oneIn(4):
		g := pick(d, given)
		p.given = glyphs{p.given.han + g.han, p.given.pinyin + g.pinyin}
	}
	return p
}

// email returns an address that a person of this name and birth year might have.
func (p person) email(d dice, year int) string {
	// An ü is typed v.
	family, given := strings.ReplaceAll(p.family.pinyin, "ü", "v"), p.given.pinyin
	domain := pick(d, []string{"example.com", "example.cn", "example.net", "mail.example.com"})
	switch d.intn(3) {
	case 0:
		return family + given + strconv.Itoa(year%100) + d.digits(2) + "@" + domain
	case 1:
		return given + "." + family + d.digits(3) + "@" + domain
	default:
		return family[:1] + given + strconv.Itoa(year) + "@" + domain
	}
}

var surnameWeight = func() (sum int) {
	for _, s := range surnames {
		sum += s.weight
	}
	return sum
}()

func pickSurname(d dice) glyphs {
	v := d.intn(surnameWeight)
	for _, s := range surnames {
		if v -= s.weight; v < 0 {
			return s.glyphs
		}
	}
	panic("demo: surname weights do not add up")
}

func parseSurnames(table string) []surname {
	var out []surname
	for row := range strings.SplitSeq(table, ",") {
		f := strings.Fields(row)
		weight, err := strconv.Atoi(f[2])
		if err != nil {
			panic("demo: surname table: " + err.Error())
		}
		out = append(out, surname{glyphs{f[0], f[1]}, weight})
	}
	return out
}

func parseGlyphs(table string) []glyphs {
	f := strings.Fields(table)
	out := make([]glyphs, 0, len(f)/2)
	for i := 0; i+1 < len(f); i += 2 {
		out = append(out, glyphs{f[i], f[i+1]})
	}
	return out
}
