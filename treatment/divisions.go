package treatment

import (
	"encoding/binary"
	"strings"
)

// This file holds what the address mask knows of GB/T 2260, as of 2024: all divisions down to
// counties, but for districts and counties that have a name of two characters which neither begins
// nor ends as the names of people, streets and estates do.

// provinces are the provinces and the prefectures of each, in the order of their codes. The suffix
// stands behind a slash; where there is none it is 市. Former prefectures are on the identity cards
// of those who were registered there.
var provinces = [...]struct{ name, prefectures, former string }{
	{"北京", "", ""},
	{"天津", "", ""},
	{"河北/省", "石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水", ""},
	{"山西/省", "太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁", ""},
	{"内蒙古/自治区", "呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯 呼伦贝尔 巴彦淖尔 乌兰察布 兴安/盟 锡林郭勒/盟 阿拉善/盟", ""},
	{"辽宁/省", "沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 朝阳 葫芦岛", ""},
	{"吉林/省", "长春 吉林 四平 辽源 通化 白山 松原 白城 延边/朝鲜族自治州", ""},
	{"黑龙江/省", "哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 黑河 绥化 大兴安岭/地区", ""},
	{"上海", "", ""},
	{"江苏/省", "南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 镇江 泰州 宿迁", "淮阴"},
	{"浙江/省", "杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水", ""},
	{"安徽/省", "合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 宿州 六安 亳州 池州 宣城", "巢湖"},
	{"福建/省", "福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德", ""},
	{"江西/省", "南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶", ""},
	{"山东/省", "济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 威海 日照 临沂 德州 聊城 滨州 菏泽", "莱芜"},
	{"河南/省", "郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店", ""},
	{"湖北/省", "武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施/土家族苗族自治州", "襄樊"},
	{"湖南/省", "长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底 湘西/土家族苗族自治州", ""},
	{"广东/省", "广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 中山 潮州 揭阳 云浮", ""},
	{"广西/壮族自治区", "南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左", ""},
	{"海南/省", "海口 三亚 三沙 儋州", ""},
	{"重庆", "", ""},
	{"四川/省", "成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州 雅安 巴中 资阳 " +
		"阿坝/藏族羌族自治州 甘孜/藏族自治州 凉山/彝族自治州", ""},
	{"贵州/省", "贵阳 六盘水 遵义 安顺 毕节 铜仁 黔西南/布依族苗族自治州 黔东南/苗族侗族自治州 黔南/布依族苗族自治州", "毕节/地区 铜仁/地区"},
	{"云南/省", "昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 楚雄/彝族自治州 红河/哈尼族彝族自治州 文山/壮族苗族自治州 " +
		"西双版纳/傣族自治州 大理/白族自治州 德宏/傣族景颇族自治州 怒江/傈僳族自治州 迪庆/藏族自治州", "思茅"},
	{"西藏/自治区", "拉萨 日喀则 昌都 林芝 山南 那曲 阿里/地区", "日喀则/地区 昌都/地区 林芝/地区 山南/地区 那曲/地区"},
	{"陕西/省", "西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛", ""},
	{"甘肃/省", "兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 临夏/回族自治州 甘南/藏族自治州", ""},
	{"青海/省", "西宁 海东 海北/藏族自治州 黄南/藏族自治州 海南/藏族自治州 果洛/藏族自治州 玉树/藏族自治州 海西/蒙古族藏族自治州", "海东/地区"},
	{"宁夏/回族自治区", "银川 石嘴山 吴忠 固原 中卫", ""},
	{"新疆/维吾尔自治区", "乌鲁木齐 克拉玛依 吐鲁番 哈密 昌吉/回族自治州 博尔塔拉/蒙古自治州 巴音郭楞/蒙古自治州 阿克苏/地区 " +
		"克孜勒苏/柯尔克孜自治州 喀什/地区 和田/地区 伊犁/哈萨克自治州 塔城/地区 阿勒泰/地区", "吐鲁番/地区 哈密/地区"},
	{"台湾/省", "台北 新北 桃园 台中 台南 高雄 基隆 新竹 嘉义", ""},
	{"香港/特别行政区", "", ""},
	{"澳门/特别行政区", "", ""},
}

// undivided are the prefectures that are shown without a county: all but 三沙 have none.
const undivided = "东莞 中山 儋州 嘉峪关 三沙"

// countyNames are the names, without 市, 区 or 县, of cities of a county's rank, of such cities that
// have become districts, of counties and districts with three or more characters, and of counties
// and districts with two characters that could be taken for names of people, streets or estates.
const countyNames = "" +
	// cities, from 河北 to 新疆 and 台湾
	"辛集 晋州 新乐 遵化 迁安 滦州 武安 南宫 沙河 涿州 定州 安国 高碑店 平泉 泊头 任丘 黄骅 河间 霸州 三河 深州 " +
	"古交 高平 介休 永济 河津 原平 侯马 霍州 孝义 汾阳 怀仁 霍林郭勒 满洲里 牙克石 扎兰屯 额尔古纳 根河 丰镇 乌兰浩特 阿尔山 二连浩特 锡林浩特 " +
	"新民 瓦房店 庄河 海城 东港 凤城 凌海 北镇 盖州 大石桥 灯塔 调兵山 开原 北票 凌源 兴城 榆树 德惠 公主岭 蛟河 桦甸 舒兰 磐石 双辽 梅河口 集安 临江 " +
	"扶余 洮南 大安 延吉 图们 敦化 珲春 龙井 和龙 尚志 五常 讷河 虎林 密山 铁力 同江 富锦 抚远 绥芬河 海林 宁安 穆棱 东宁 北安 五大连池 嫩江 安达 肇东 " +
	"海伦 漠河 江阴 宜兴 新沂 邳州 溧阳 常熟 张家港 昆山 太仓 启东 如皋 海安 东台 仪征 高邮 丹阳 扬中 句容 兴化 靖江 泰兴 建德 余姚 慈溪 瑞安 乐清 龙港 " +
	"海宁 平湖 桐乡 诸暨 嵊州 兰溪 义乌 东阳 永康 江山 温岭 临海 玉环 龙泉 巢湖 无为 桐城 潜山 天长 明光 界首 宁国 广德 福清 永安 石狮 晋江 南安 邵武 " +
	"武夷山 建瓯 漳平 福安 福鼎 乐平 瑞昌 共青城 庐山 贵溪 瑞金 龙南 井冈山 丰城 樟树 高安 德兴 胶州 平度 莱西 滕州 龙口 莱阳 莱州 招远 栖霞 海阳 青州 " +
	"诸城 寿光 安丘 高密 昌邑 曲阜 邹城 新泰 肥城 荣成 乳山 乐陵 禹城 临清 邹平 巩义 荥阳 新密 新郑 登封 舞钢 汝州 林州 卫辉 辉县 长垣 沁阳 孟州 禹州 长葛 " +
	"义马 灵宝 邓州 永城 项城 济源 大冶 丹江口 宜都 当阳 枝江 老河口 枣阳 宜城 京山 钟祥 应城 安陆 汉川 石首 洪湖 松滋 监利 麻城 武穴 赤壁 广水 恩施 利川 " +
	"仙桃 潜江 天门 宁乡 浏阳 醴陵 湘乡 韶山 耒阳 常宁 武冈 邵东 汨罗 临湘 津市 沅江 资兴 祁阳 洪江 冷水江 涟源 吉首 乐昌 南雄 台山 开平 鹤山 恩平 廉江 雷州 " +
	"吴川 高州 化州 信宜 四会 兴宁 陆丰 阳春 英德 连州 普宁 罗定 横州 荔浦 岑溪 东兴 桂平 北流 靖西 平果 合山 凭祥 五指山 琼海 文昌 万宁 东方 " +
	"都江堰 彭州 邛崃 崇州 简阳 广汉 什邡 绵竹 江油 隆昌 峨眉山 阆中 射洪 华蓥 万源 马尔康 康定 西昌 会理 清镇 盘州 赤水 仁怀 黔西 兴义 兴仁 凯里 都匀 福泉 " +
	"安宁 宣威 禄丰 楚雄 个旧 开远 蒙自 弥勒 文山 景洪 大理 瑞丽 泸水 香格里拉 腾冲 水富 澄江 米林 错那 兴平 彬州 华阴 韩城 子长 神木 旬阳 " +
	"玉门 敦煌 华亭 临夏 合作 茫崖 格尔木 德令哈 玉树 同仁 灵武 青铜峡 昌吉 阜康 博乐 阿拉山口 库尔勒 阿克苏 库车 阿图什 喀什 和田 伊宁 奎屯 霍尔果斯 塔城 " +
	"乌苏 沙湾 阿勒泰 石河子 阿拉尔 图木舒克 五家渠 北屯 铁门关 双河 可克达拉 昆玉 胡杨河 新星 白杨 " +
	"竹北 头份 苗栗 彰化 员林 南投 斗六 朴子 太保 屏东 宜兰 花莲 台东 马公 " +
	// cities that have become districts
	"藁城 丰南 潞城 九台 双城 阿城 锡山 吴县 江都 姜堰 通州 大丰 富阳 临安 奉化 上虞 长乐 建阳 即墨 胶南 兖州 蓬莱 偃师 番禺 顺德 三水 新会 增城 从化 " +
	"潮阳 澄海 涪陵 合川 永川 南川 " +
	// districts, from 北京 to 新疆, 香港 and 澳门
	"石景山 门头沟 滨海新 井陉矿 曹妃甸 山海关 北戴河 峰峰矿 下花园 鹰手营子矿 杏花岭 尖草坪 万柏林 昆都仑 白云鄂博矿 海勃湾 元宝山 科尔沁 康巴什 海拉尔 " +
	"扎赉诺尔 苏家屯 沈北新 沙河口 甘井子 旅顺口 普兰店 鲅鱼圈 清河门 弓长岭 太子河 双台子 兴隆台 二道江 昂昂溪 富拉尔基 碾子山 梅里斯达斡尔族 城子河 四方台 " +
	"萨尔图 让胡路 茄子河 上甘岭 金山屯 乌马河 汤旺河 加格达奇 浦东新 雨花台 清江浦 龙子湖 田家庵 谢家集 八公山 青云谱 青山湖 红谷滩 台儿庄 东昌府 管城回族 " +
	"顺河回族 禹王台 瀍河回族 东西湖 黄石港 西塞山 伍家岗 梁子湖 神农架林 岳阳楼 武陵源 冷水滩 西乡塘 铁山港 金城江 大渡口 沙坪坝 九龙坡 龙泉驿 青白江 " +
	"自流井 龙马潭 五通桥 金口河 观山湖 六枝特 红花岗 七星关 桑珠孜 堆龙德庆 七里河 大武口 红寺堡 沙坡头 沙依巴克 水磨沟 头屯河 达坂城 独山子 克拉玛依 白碱滩 乌尔禾 " +
	"那玛夏 油尖旺 深水埗 九龙城 黄大仙 花地玛堂 圣安多尼堂 望德堂 风顺堂 嘉模堂 圣方济各堂 " +
	// zones that addresses have in the place of a district
	"北戴河新 雄安新 两江新 天府新 西咸新 贵安新 兰州新 江北新 金普新 赣江新 湘江新 滇中新 西海岸新 渤海新 哈尔滨新 长春新 福州新 大鹏新 " +
	"经济开发 经济技术开发 高新技术开发 高新技术产业开发 " +
	// counties
	"托克托 和林格尔 清水河 大箐山 九寨沟 若尔盖 麻栗坡 墨竹工卡 南木林 谢通门 聂拉木 类乌齐 工布江达 浪卡子 曲麻莱 乌鲁木齐 托克逊 呼图壁 玛纳斯 吉木萨尔 阿瓦提 " +
	"阿克陶 阿合奇 英吉沙 麦盖提 岳普湖 特克斯 尼勒克 布尔津 哈巴河 吉木乃 " +
	// names that begin as names of people do
	"王益 李沧 张北 张店 张湾 陈仓 杨浦 杨陵 黄浦 黄岩 黄山 黄岛 黄陂 黄州 黄梅 黄埔 黄平 黄龙 黄陵 吴桥 吴中 吴江 吴兴 吴起 吴堡 周宁 周村 周至 徐水 徐汇 " +
	"徐闻 孙吴 " +
	"马尾 马村 马山 马龙 马关 林西 林甸 林口 林周 高邑 高阳 高淳 高港 高青 高唐 高明 高要 高坪 高陵 高台 高昌 高新 罗源 罗庄 罗山 罗田 罗湖 罗江 罗甸 罗平 " +
	"梁溪 梁山 " +
	"梁园 梁平 梁河 唐河 彭泽 彭山 彭阳 曾都 萧山 田阳 田东 田林 潘集 袁州 蔡甸 余杭 余江 余干 余庆 于洪 于都 于田 杜集 叶集 叶城 魏都 苏仙 丁青 任泽 任城 " +
	"卢龙 卢氏 卢湾 " +
	"姚安 沈河 沈丘 钟楼 钟山 陆河 陆川 陆良 汪清 石楼 石拐 石台 石城 石龙 石峰 石鼓 石门 石棉 石渠 石阡 石屏 石泉 金州 金林 金山 金坛 金湖 金东 金安 金寨 " +
	"金门 金溪 金乡 " +
	"金水 金湾 金平 金牛 金堂 金川 金阳 金沙 金台 金塔 金凤 金阊 贾汪 夏津 夏邑 夏河 方山 方正 方城 白塔 白云 白玉 白朗 白水 白河 白银 白下 孟津 秦淮 秦都 " +
	"秦州 秦安 " +
	"江源 江宁 江浦 江北 江岸 江汉 江夏 江陵 江永 江海 江城 江南 江州 江津 江阳 江安 江口 江川 江孜 江达 江东 薛城 阎良 雷波 雷山 龙城 龙潭 龙山 龙沙 龙江 " +
	"龙凤 龙湾 " +
	"龙游 龙亭 龙文 龙海 龙安 龙岗 龙华 龙湖 龙门 龙川 龙圩 龙州 龙里 龙陵 黎城 黎川 黎平 贺兰 邵阳 万全 万荣 万安 万载 万年 万秀 万州 万山 万县 万盛 覃塘 " +
	"武清 武邑 武强 " +
	"武乡 武川 武进 武义 武平 武宁 武城 武陟 武昌 武陵 武江 武鸣 武宣 武隆 武侯 武胜 武定 武功 武山 武都 钱塘 向阳 常山 汤旺 汤原 汤阴 康保 康平 康马 康乐 " +
	"和安 和康 " +
	"易门 文安 文水 文圣 文成 文登 文峰 温江 温泉 温宿 樊城 兰西 兰山 兰陵 兰考 殷都 施秉 施甸 洪洞 洪泽 洪山 洪雅 安新 安次 安平 安泽 安图 安吉 安溪 安义 " +
	"安源 安远 安福 " +
	"安阳 安乡 安化 安仁 安州 安居 安岳 安龙 安多 安塞 安定 鲁山 鲁甸 章贡 章丘 左云 左权 左贡 柳林 柳河 柳南 柳北 柳江 柳城 齐河 梅江 梅县 庄浪 岳西 岳麓 " +
	"岳塘 岳阳 岳池 " +
	"聂荣 祁门 祁东 祁连 岑巩 柯桥 柯城 柯坪 翁源 霍邱 霍山 霍城 卓资 卓尼 甘南 甘孜 甘洛 甘泉 甘谷 甘州 甘德 路南 路北 路桥 柴桑 蒲江 蒲城 麦积 房山 成安 " +
	"成武 成华 凌河 凌云 " +
	"卫东 卫滨 宁河 宁晋 宁武 宁城 宁江 宁海 宁化 宁都 宁阳 宁津 宁陵 宁远 宁明 宁南 宁强 宁陕 申扎 丘北 游仙 商都 商河 商城 商水 商州 商南 舒城 木兰 尚义 " +
	"郁南 尤溪 娄烦 娄星 " +
	"桑植 桑日 包河 谷城 沙洋 沙雅 桂阳 桂东 米易 米脂 米东 边坝 解放 华安 华龙 华容 华宁 华坪 华州 华池 巴彦 巴东 巴南 巴州 巴塘 巴宜 巴青 巴楚 曲周 曲阳 " +
	"曲沃 曲江 曲水 曲松 " +
	"古冶 古塔 古田 古丈 古蔺 古城 古浪 栾城 栾川 凤台 凤阳 凤泉 凤凰 凤山 凤冈 凤庆 凤翔 蓝山 蓝田 鄢陵 荆州 牟平 牟定 全椒 全南 全州 湛河 虞城 柏乡 鹿泉 " +
	"鹿城 鹿邑 鹿寨 " +
	"原阳 原州 荣昌 景泰 元氏 元宝 元谋 元阳 和平 和顺 和政 和静 和硕 饶阳 饶河 饶平 满城 闵行 仲巴 伊美 伊川 伊州 伊吾 冀州 巫山 巫溪 花山 花垣 花都 花溪 " +
	"郎溪 阳原 阳曲 阳高 " +
	"阳城 阳明 阳谷 阳信 阳新 阳东 阳西 阳山 阳朔 靖宇 靖安 靖边 靖远 来安 来凤 明山 明水 明溪 那坡 班戈 班玛 连山 连云 连江 连城 连平 公安 丛台 麻山 麻章 " +
	"麻江 闻喜 封丘 封开 " +
	"井陉 井研 谯城 宿城 宿豫 宿松 晋源 晋安 晋宁 桓台 揭东 揭西 禹会 皮山 宾阳 宾川 水城 蒙城 蒙阴 蒙山 农安 鄂城 卡若 官渡 印台 银州 银海 沐川 师宗 老边 " +
	"老城 小店 小金 阿坝 惠山 惠安 惠民 惠济 惠城 惠阳 惠东 惠来 惠水 惠农 沙县 沙市 " +
	// names that end as names of people, streets or estates do
	"上街 东营 久治 乐业 二七 兴业 双流 固镇 天镇 宏伟 巧家 市中 市北 市南 拱墅 新市 枣强 榆社 法库 泽库 清流 点军 社旗 红旗 绿园 船营 西市 赣县 额敏 芳村"

// autonomousCounties are the 117 autonomous counties, without 自治县. Behind the slash stands the
// people whose county it is.
const autonomousCounties = "青龙/满族 丰宁/满族 宽城/满族 围场/满族蒙古族 孟村/回族 大厂/回族 岫岩/满族 新宾/满族 清原/满族 本溪/满族 桓仁/满族 " +
	"宽甸/满族 阜新/蒙古族 " +
	"喀喇沁左翼/蒙古族 伊通/满族 前郭尔罗斯/蒙古族 长白/朝鲜族 杜尔伯特/蒙古族 景宁/畲族 长阳/土家族 五峰/土家族 城步/苗族 江华/瑶族 麻阳/苗族 新晃/侗族 芷江/侗族 " +
	"通道/侗族 " +
	"靖州/苗族侗族 乳源/瑶族 连南/瑶族 连山/壮族瑶族 融水/苗族 三江/侗族 龙胜/各族 恭城/瑶族 隆林/各族 富川/瑶族 罗城/仫佬族 环江/毛南族 巴马/瑶族 都安/瑶族 " +
	"大化/瑶族 金秀/瑶族 " +
	"白沙/黎族 昌江/黎族 乐东/黎族 陵水/黎族 保亭/黎族苗族 琼中/黎族苗族 石柱/土家族 秀山/土家族苗族 酉阳/土家族苗族 彭水/苗族土家族 北川/羌族 峨边/彝族 马边/彝族 " +
	"木里/藏族 " +
	"道真/仡佬族苗族 务川/仡佬族苗族 镇宁/布依族苗族 关岭/布依族苗族 紫云/苗族布依族 威宁/彝族回族苗族 玉屏/侗族 印江/土家族苗族 沿河/土家族 松桃/苗族 三都/水族 " +
	"石林/彝族 " +
	"禄劝/彝族苗族 寻甸/回族彝族 峨山/彝族 新平/彝族傣族 元江/哈尼族彝族傣族 玉龙/纳西族 宁蒗/彝族 宁洱/哈尼族彝族 墨江/哈尼族 景东/彝族 景谷/傣族彝族 " +
	"镇沅/彝族哈尼族拉祜族 " +
	"江城/哈尼族彝族 孟连/傣族拉祜族佤族 澜沧/拉祜族 西盟/佤族 双江/拉祜族佤族布朗族傣族 耿马/傣族佤族 沧源/佤族 屏边/苗族 金平/苗族瑶族傣族 河口/瑶族 漾濞/彝族 " +
	"南涧/彝族 " +
	"巍山/彝族回族 贡山/独龙族怒族 兰坪/白族普米族 维西/傈僳族 天祝/藏族 张家川/回族 肃南/裕固族 肃北/蒙古族 阿克塞/哈萨克族 东乡/族 积石山/保安族东乡族撒拉族 " +
	"互助/土族 化隆/回族 " +
	"循化/撒拉族 大通/回族土族 民和/回族土族 门源/回族 河南/蒙古族 焉耆/回族 木垒/哈萨克 巴里坤/哈萨克 察布查尔/锡伯 塔什库尔干/塔吉克 和布克赛尔/蒙古"

// banners are the 52 banners, without 旗.
const banners = "土默特左 土默特右 达尔罕茂明安联合 阿鲁科尔沁 巴林左 巴林右 克什克腾 翁牛特 喀喇沁 敖汉 科尔沁左翼中 科尔沁左翼后 库伦 奈曼 扎鲁特 达拉特 " +
	"准格尔 " +
	"鄂托克前 鄂托克 杭锦 乌审 伊金霍洛 阿荣 莫力达瓦达斡尔族自治 鄂伦春自治 鄂温克族自治 陈巴尔虎 新巴尔虎左 新巴尔虎右 乌拉特前 乌拉特中 乌拉特后 杭锦后 察哈尔右翼前 " +
	"察哈尔右翼中 察哈尔右翼后 四子王 科尔沁右翼前 科尔沁右翼中 扎赉特 阿巴嘎 苏尼特左 苏尼特右 东乌珠穆沁 西乌珠穆沁 太仆寺 镶黄 正镶白 正蓝 阿拉善左 阿拉善右 额济纳"

// singles are the counties that have a name of one character, singleDistricts such districts. Many
// districts have the same name.
const (
	singles = "赵涉磁邱魏威唐易蠡雄蔚沧青献景盂沁应祁绛夏代古吉隰蒲兴临岚义宾丰沛寿和歙黟萧泗泾莒费莘冠曹单杞嵩叶郏滑浚淇温范睢新息房随攸澧" +
		"南道藤容忠开荣泸高珙渠理茂云朗索眉陇凤乾户富洋勉佳环宁漳岷成文康徽礼郧赣梅沙"
	singleDistricts = "东西南北中城郊矿"
)

// surnames begin the names of 19 people in 20: a district or county of two characters that begins
// with one is shown if countyNames has it.
const surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江" +
	"尹薛闫阎段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文温庞樊兰殷施洪翟安颜倪牛季鲁葛伍章俞毕左柳齐梅庄涂焦岳聂祁耿管岑柯盛翁骆关詹欧霍纪卓甘路柴蒲麦裴房成" +
	"凌费卫辛冉宁申丘游车苗商佟辜靳舒木莘甄尚郁尤童阮祝项滕娄艾桑包鲍党谷沙裘桂米池席占宗应单仇符边时卞褚解戚华隋巴曲司楚栾凤蓝晏鄢窦荆苟牟卜宫全湛虞柏鹿迟原盖荣景敖冷幸" +
	"元和朴邢代简饶屈满闵仲伊卿查练冀巫鞠匡花楼郎阳靖来那班连祖步公丛初麻郜闻封井谯茹计展宿候粟伏仝岩战燕晋逯蔺甯缪桓邬揭滑禹皮宾水逄哈藏蒙慕农鄂凡惠官税干印银户沃仉敬阴" +
	"言由郗师沐" +
	"張劉陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭葉蔣蘇呂盧鍾鐘譚陸賈鄒閻龍賀龔萬錢嚴莊湯溫龐蘭顏魯畢齊倫紀歐駱關費單邊鳳連衛寧塗嶽聶車欒鞏鄔鄺繆"

// division is a province or a prefecture.
type division struct {
	name      string    // without its suffix
	suffixes  []string  // with one of them the name is whole
	of        *division // the province that a prefecture lies in
	province  bool
	undivided bool // it has no counties, or is shown without
}

// divisions are the provinces and prefectures by the first two characters of their names.
var divisions = func() map[uint64][]*division {
	index := map[uint64][]*division{}
	add := func(text string) *division {
		name, suffix, found := strings.Cut(text, "/")
		if !found {
			suffix = "市"
		}
		d := &division{name: name, suffixes: []string{suffix}}
		switch { // 广西自治区, 恩施自治州, 恩施州
		case strings.HasSuffix(suffix, "自治区"):
			d.suffixes = append(d.suffixes, "自治区")
		case strings.HasSuffix(suffix, "自治州"):
			d.suffixes = append(d.suffixes, "自治州", "州")
		}
		begin, _ := beginning([]byte(name))
		index[begin] = append(index[begin], d)
		return d
	}
	for _, row := range provinces {
		province := add(row.name)
		province.province = true
		for name := range strings.FieldsSeq(row.prefectures + " " + row.former) {
			d := add(name)
			d.of = province
			d.undivided = strings.Contains(undivided, name)
		}
	}
	return index
}()

// at returns the size of d's name if text begins with it, with the suffix if there is one, and
// whether there is one.
func (d *division) at(text []byte) (size int, whole bool) {
	if !hasAt(text, 0, d.name) {
		return 0, false
	}
	for _, suffix := range d.suffixes {
		if hasAt(text, len(d.name), suffix) {
			return len(d.name) + len(suffix), true
		}
	}
	return len(d.name), false
}

// divisionsAt returns the divisions that text may begin with.
func divisionsAt(text []byte) []*division {
	if begin, ok := beginning(text); ok {
		return divisions[begin]
	}
	return nil
}

// beginning returns the first six bytes of text as a key: they are two characters if these are
// Chinese.
func beginning(text []byte) (key uint64, ok bool) {
	if len(text) < 6 {
		return 0, false
	}
	low, high := binary.LittleEndian.Uint32(text), binary.LittleEndian.Uint16(text[4:])
	return uint64(high)<<32 | uint64(low), true
}

// firstDivision returns the province that text begins with, or the prefecture if it has its suffix,
// or nil. whole says whether there is a suffix.
func firstDivision(text []byte) (found *division, size int, whole bool) {
	for _, d := range divisionsAt(text) {
		if n, ok := d.at(text); ok {
			return d, n, true
		} else if n > 0 && d.province {
			found, size = d, n
		}
	}
	return found, size, false
}

// prefectureOf returns the prefecture of a province that text begins with, or nil, and whether
// there is a suffix. 北京市, 天津市, 上海市 and 重庆市 are provinces and their own prefectures.
func prefectureOf(province *division, text []byte) (found *division, size int, whole bool) {
	if province.suffixes[0] == "市" {
		size, whole = province.at(text)
		return province, size, whole
	}
	for _, d := range divisionsAt(text) {
		if d.of != province {
			continue
		}
		if n, ok := d.at(text); ok {
			return d, n, true
		} else if n > 0 {
			found, size = d, n
		}
	}
	return found, size, false
}

// counties has countyNames, autonomousCounties and banners, without the last character, by the
// first two characters.
var counties = func() map[uint64][]string {
	index := map[uint64][]string{}
	add := func(name string) {
		begin, _ := beginning([]byte(name))
		index[begin] = append(index[begin], name)
	}
	for name := range strings.FieldsSeq(countyNames + " " + banners) {
		add(name)
	}
	for name := range strings.FieldsSeq(autonomousCounties) {
		short, people, _ := strings.Cut(name, "/")
		add(short)
		add(short + "自治")
		add(short + people + "自治")
	}
	return index
}()

// isCounty reports whether counties has name.
func isCounty(name []byte) bool {
	begin, _ := beginning(name)
	for _, n := range counties[begin] {
		if n == string(name) {
			return true
		}
	}
	return false
}
