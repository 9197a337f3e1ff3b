package discover

import (
	"strings"
	"unicode/utf8"
)

// surnames are the 400 most frequent surnames of one character (公安部, 全国姓名报告; all of 百家姓
// that are in use). Some 98 in 100 people have a surname of these. compound are surnames of two
// characters.
const surnames = "" +
	"王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶" +
	"程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺" +
	"顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关" +
	"兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻" +
	"祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂" +
	"全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆" +
	"乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖" +
	"漆巴丰支卿国狄平计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况" +
	"那宿鲜印逯隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植" +
	"衡富尧由"

const compound = "欧阳 上官 司马 诸葛 东方 独孤 南宫 夏侯 皇甫 尉迟 慕容 长孙 宇文 司徒 令狐 " +
	"淳于 公孙 轩辕 端木 申屠 百里 呼延 赫连 澹台 濮阳 钟离 东郭 西门 拓跋 完颜 纳兰 叶赫"

// isPersonName reports whether a text could be the name of a Chinese person: a surname and one or
// two characters, or three behind some surnames; or parts with a dot between them (买买提·艾力).
// Other words look like that too, so only many values tell.
func isPersonName(s string) bool {
	if !isHan(s) {
		return false
	}
	n := utf8.RuneCountInString(s)
	if strings.Contains(s, "·") {
		return n >= 4 && n <= 20
	}
	first, size := utf8.DecodeRuneInString(s)
	if n >= 3 && n <= 4 {
		_, second := utf8.DecodeRuneInString(s[size:])
		if strings.Contains(compound, s[:size+second]) {
			return true
		}
	}
	return n >= 2 && n <= 4 && strings.ContainsRune(surnames, first)
}
